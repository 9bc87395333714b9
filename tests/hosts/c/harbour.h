/* What the library in library/ exports beside wharf's own functions. */
#ifndef HARBOUR_H
#define HARBOUR_H

#include "wharf.h"

#ifdef __cplusplus
extern "C" {
#endif

int64_t harbour_alive(void);
int64_t harbour_lent(void);
void harbour_release(bool released);
void harbour_hush(void);
wharf_status_t harbour_add(wharf_port_t port, uint64_t tag, int64_t left, int64_t right,
                           wharf_task_t *task);
wharf_status_t harbour_echo(wharf_port_t port, uint64_t tag, const char *text, wharf_task_t *task);
wharf_status_t harbour_length(wharf_port_t port, uint64_t tag, const char *text,
                              wharf_task_t *task);
wharf_status_t harbour_sum(wharf_port_t port, uint64_t tag, const uint8_t *bytes,
                           size_t bytes_length, wharf_task_t *task);
wharf_status_t harbour_mirror(wharf_port_t port, uint64_t tag, const wharf_value_t *value,
                              wharf_task_t *task);
wharf_status_t harbour_measure(wharf_port_t port, uint64_t tag, const wharf_value_t *bytes,
                               wharf_task_t *task);
wharf_status_t harbour_fail(wharf_port_t port, uint64_t tag, int32_t code, wharf_task_t *task);
wharf_status_t harbour_panic(wharf_port_t port, uint64_t tag, const char *text,
                             wharf_task_t *task);
wharf_status_t harbour_wait(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_sleep(wharf_port_t port, uint64_t tag, uint64_t nanoseconds,
                             wharf_task_t *task);
wharf_status_t harbour_count(wharf_port_t port, uint64_t tag, uint64_t count, wharf_task_t *task);
wharf_status_t harbour_countdown(wharf_port_t port, uint64_t tag, uint64_t from,
                                 wharf_task_t *task);
wharf_status_t harbour_turn(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_unsendable(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_shift(wharf_port_t port, uint64_t tag, uint64_t yields, wharf_task_t *task);
wharf_status_t harbour_keep(wharf_port_t port, uint64_t tag, const wharf_value_t *bytes,
                            wharf_task_t *task);
wharf_status_t harbour_lend(wharf_port_t port, uint64_t tag, uint32_t length, wharf_task_t *task);
wharf_status_t harbour_trap(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_hog(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_ferry(wharf_port_t port, uint64_t tag, const wharf_value_t *value,
                             wharf_task_t *task);
wharf_status_t harbour_parley(wharf_port_t port, uint64_t tag, wharf_task_t *task);
wharf_status_t harbour_hail(wharf_port_t port, uint64_t tag, wharf_port_t to, const char *text,
                            wharf_task_t *task);
wharf_status_t harbour_verdicts(wharf_port_t port, uint64_t tag, const int32_t *codes,
                                size_t codes_length, wharf_task_t *task);
wharf_status_t harbour_listen(wharf_port_t port, uint64_t tag, wharf_task_t *task);

#ifdef __cplusplus
}
#endif

#endif
