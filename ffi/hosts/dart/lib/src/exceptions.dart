/// What can go wrong, as types.
library;

/// Why a call or a task has not given what was asked for.
sealed class WharfException implements Exception {
  const WharfException(this.code, this.message);

  const WharfException._(this.message) : code = 0;

  /// A number to decide by; what it means depends on the subclass.
  final int code;

  /// What failed, for the reader.
  final String message;

  // Not `runtimeType`, which a compiler may shorten.
  String get _name;

  @override
  String toString() => '$_name: $message';
}

/// A call was refused: nothing has been started and nothing will arrive.
///
/// The [code] is a status of wharf's, one of the `WHARF_…` numbers in its C
/// header.
final class WharfRefusedException extends WharfException {
  /// A call refused with the status [code].
  const WharfRefusedException(super.code, super.message);

  @override
  String get _name => 'WharfRefusedException';

  @override
  String toString() => '${super.toString()} (status $code)';
}

/// A task ended with an error of the library's own.
///
/// Codes above 0 are the library's; those below 0 are statuses of wharf's with
/// the sign turned; 0 says no more than the text.
final class WharfTaskException extends WharfException {
  /// An error with its code, its text, and the texts of what was behind it.
  const WharfTaskException(super.code, super.message, [this.causes = const []]);

  /// What was behind the error, and what was behind that.
  final List<String> causes;

  @override
  String get _name => 'WharfTaskException';

  @override
  String toString() => [
        '${super.toString()} (code $code)',
        ...causes.map((cause) => 'caused by: $cause'),
      ].join('\n');
}

/// A task panicked; the [message] is the panic's. Other tasks go on.
final class WharfPanicException extends WharfException {
  /// A panic with its text.
  const WharfPanicException(super.message) : super._();

  @override
  String get _name => 'WharfPanicException';
}

/// A task was cancelled; what it held is free.
final class WharfCancelledException extends WharfException {
  /// A cancelled task.
  const WharfCancelledException() : super._('the task was cancelled');

  @override
  String get _name => 'WharfCancelledException';
}

/// A task's runtime was shut down, or its port closed, before the task ended.
final class WharfShutDownException extends WharfException {
  /// A task that has lost its runtime or its port.
  const WharfShutDownException([
    super.message = 'the runtime was shut down before the task had ended',
  ]) : super._();

  @override
  String get _name => 'WharfShutDownException';
}
