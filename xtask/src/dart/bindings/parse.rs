//! The declarations of the header.
//!
//! Understood: `#define` of a number, enums without a name, `typedef` of a type and of a function
//! pointer, structs and unions with plain, array and function-pointer members, and function
//! prototypes. Anything else is an error that says where.

use super::token::{Token, tokens};

/// A declaration with its documentation.
#[derive(Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) what: What,
}

/// What is declared.
#[derive(Debug, PartialEq)]
pub(crate) enum What {
    Number(String),
    /// The constants of an enum without a name; the item has that of the first.
    Enum(Vec<Constant>),
    Alias(Type),
    Callback(Signature),
    /// Nothing where the header keeps the members to itself.
    Record(Keyword, Option<Vec<Member>>),
    Function(Signature),
}

/// One constant of an enum.
#[derive(Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) value: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keyword {
    Struct,
    Union,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) ty: Type,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signature {
    pub(crate) returns: Box<Type>,
    pub(crate) takes: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Named(String),
    Pointer(Box<Type>),
    Array(Box<Type>, u64),
    Callback(Signature),
}

/// Reads all declarations, in order.
pub(crate) fn items(header: &str) -> Result<Vec<Item>, String> {
    let mut reader = Reader { tokens: tokens(header), at: 0 };
    let mut items = Vec::new();
    while let Some(item) = reader.item()? {
        // A struct is announced first where it is used before it is laid out.
        items.retain(|old: &Item| old.name != item.name);
        items.push(item);
    }
    Ok(items)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn item(&mut self) -> Result<Option<Item>, String> {
        let doc = self.doc();
        if let Some(Token::Define(name, value)) = self.peek().cloned() {
            self.at += 1;
            let what = What::Number(value);
            return Ok(Some(Item { name, doc, what }));
        }
        if self.peek().is_none() {
            return Ok(None);
        }
        let (name, what) = if self.word("typedef") {
            self.definition()?
        } else if self.is_nameless_enum() {
            self.constants()?
        } else if self.is_record_body() {
            let (name, what) = self.record()?;
            (name.ok_or_else(|| self.wrong("a name for the struct"))?, what)
        } else {
            let returns = self.ty()?;
            let name = self.name()?;
            (name, What::Function(self.signature(returns)?))
        };
        self.sign(';')?;
        Ok(Some(Item { name, doc, what }))
    }

    fn definition(&mut self) -> Result<(String, What), String> {
        if self.is_record_body() {
            let (_, what) = self.record()?;
            return Ok((self.name()?, what));
        }
        let opaque = match self.peek() {
            Some(Token::Word(word)) => keyword(word),
            _ => None,
        };
        let ty = self.ty()?;
        if self.peek() == Some(&Token::Sign('(')) {
            let (name, signature) = self.pointer_to_function(ty)?;
            return Ok((name, What::Callback(signature)));
        }
        let name = self.name()?;
        Ok(match (opaque, ty) {
            (Some(keyword), Type::Named(tag)) if tag == name => (name, What::Record(keyword, None)),
            (_, ty) => (name, What::Alias(ty)),
        })
    }

    fn is_nameless_enum(&self) -> bool {
        self.peek() == Some(&Token::Word("enum".into()))
            && self.tokens.get(self.at + 1) == Some(&Token::Sign('{'))
    }

    /// `enum { A, B = 2, C }`.
    fn constants(&mut self) -> Result<(String, What), String> {
        self.at += 2;
        let mut constants: Vec<Constant> = Vec::new();
        while !self.take(&Token::Sign('}')) {
            let doc = self.doc();
            let name = self.name()?;
            let next = constants.last().map_or(0, |last| last.value + 1);
            let value = if self.take(&Token::Sign('=')) { self.number()? } else { next };
            constants.push(Constant { name, doc, value });
            if !self.take(&Token::Sign(',')) && self.peek() != Some(&Token::Sign('}')) {
                self.remark(constants.last_mut().map(|last| &mut last.doc));
                self.sign('}')?;
                break;
            }
            self.remark(constants.last_mut().map(|last| &mut last.doc));
        }
        let first = constants.first().ok_or_else(|| self.wrong("a constant in the enum"))?;
        Ok((first.name.clone(), What::Enum(constants)))
    }

    fn number(&mut self) -> Result<i64, String> {
        let sign = if self.take(&Token::Sign('-')) { -1 } else { 1 };
        let text = self.name()?;
        let number = match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None => text.parse(),
        };
        Ok(sign * number.map_err(|_| self.wrong("a number"))?)
    }

    /// Takes a comment behind what it documents, unless there was one before it.
    fn remark(&mut self, doc: Option<&mut String>) {
        if let Some(Token::Remark(text)) = self.peek().cloned() {
            self.at += 1;
            if let Some(doc) = doc.filter(|doc| doc.is_empty()) {
                *doc = text;
            }
        }
    }

    /// Whether `struct NAME {`, `struct {` or the same with `union` comes next.
    fn is_record_body(&self) -> bool {
        let is = |at: usize, found: &Token| self.tokens.get(self.at + at) == Some(found);
        matches!(self.peek(), Some(Token::Word(word)) if keyword(word).is_some())
            && (is(1, &Token::Sign('{')) || is(2, &Token::Sign('{')))
    }

    fn record(&mut self) -> Result<(Option<String>, What), String> {
        let word = self.name()?;
        let keyword = keyword(&word).ok_or_else(|| self.wrong("struct or union"))?;
        let name = matches!(self.peek(), Some(Token::Word(_))).then(|| self.name()).transpose()?;
        self.sign('{')?;
        let mut members = Vec::new();
        while !self.take(&Token::Sign('}')) {
            let doc = self.doc();
            let ty = self.ty()?;
            members.push(self.member(ty, doc)?);
            self.sign(';')?;
            self.remark(members.last_mut().map(|last| &mut last.doc));
        }
        Ok((name, What::Record(keyword, Some(members))))
    }

    fn member(&mut self, ty: Type, doc: String) -> Result<Member, String> {
        if self.peek() == Some(&Token::Sign('(')) {
            let (name, signature) = self.pointer_to_function(ty)?;
            return Ok(Member { name, doc, ty: Type::Callback(signature) });
        }
        let name = self.name()?;
        if !self.take(&Token::Sign('[')) {
            return Ok(Member { name, doc, ty });
        }
        let length = self.name()?.parse().map_err(|_| self.wrong("an array's length"))?;
        self.sign(']')?;
        Ok(Member { name, doc, ty: Type::Array(Box::new(ty), length) })
    }

    /// `(*NAME)(...)`, after the type that it returns.
    fn pointer_to_function(&mut self, returns: Type) -> Result<(String, Signature), String> {
        self.sign('(')?;
        self.sign('*')?;
        let name = self.name()?;
        self.sign(')')?;
        Ok((name, self.signature(returns)?))
    }

    fn signature(&mut self, returns: Type) -> Result<Signature, String> {
        self.sign('(')?;
        let mut takes = Vec::new();
        while !self.take(&Token::Sign(')')) {
            let ty = self.ty()?;
            if takes.is_empty() && ty == Type::Named("void".into()) {
                self.sign(')')?;
                break;
            }
            takes.push(match self.peek() {
                Some(Token::Word(_) | Token::Sign('(')) => self.member(ty, String::new())?,
                _ => Member { name: format!("arg{}", takes.len()), doc: String::new(), ty },
            });
            self.take(&Token::Sign(','));
        }
        Ok(Signature { returns: Box::new(returns), takes })
    }

    fn ty(&mut self) -> Result<Type, String> {
        const ADORNMENTS: [&str; 5] = ["const", "struct", "union", "enum", "extern"];
        let mut name = self.name()?;
        while ADORNMENTS.contains(&name.as_str()) {
            name = self.name()?;
        }
        if name == "unsigned" || name == "signed" {
            name = format!("{name} {}", self.name()?);
        }
        let mut ty = Type::Named(name);
        loop {
            if self.take(&Token::Sign('*')) {
                ty = Type::Pointer(Box::new(ty));
            } else if !self.word("const") {
                return Ok(ty);
            }
        }
    }

    fn doc(&mut self) -> String {
        let mut doc = String::new();
        loop {
            match self.peek() {
                Some(Token::Doc(text)) => doc.clone_from(text),
                Some(Token::Remark(_)) => {}
                _ => return doc,
            }
            self.at += 1;
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.wrong("a name")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        if self.take(&Token::Sign(sign)) { Ok(()) } else { Err(self.wrong(&format!("'{sign}'"))) }
    }

    fn take(&mut self, token: &Token) -> bool {
        let here = self.peek() == Some(token);
        self.at += usize::from(here);
        here
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn wrong(&self, expected: &str) -> String {
        let shown = |from: usize, to: usize| {
            let near = self.tokens.iter().take(to).skip(from);
            near.map(|token| format!("{token:?}")).collect::<Vec<_>>().join(" ")
        };
        let (before, after) =
            (shown(self.at.saturating_sub(6), self.at), shown(self.at, self.at + 6));
        format!("expected {expected} after {before}, found {after}")
    }
}

fn keyword(word: &str) -> Option<Keyword> {
    match word {
        "struct" => Some(Keyword::Struct),
        "union" => Some(Keyword::Union),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Item {
        let mut items = items(text).unwrap();
        assert_eq!(items.len(), 1, "{items:?}");
        items.remove(0)
    }

    #[test]
    fn a_function_with_pointers_and_a_callback() {
        let item =
            one("/** Does. */\nextern int32_t f(const char *text, void (*on)(void *), size_t);");
        let What::Function(signature) = item.what else { panic!("{item:?}") };
        assert_eq!((item.name.as_str(), item.doc.as_str()), ("f", "Does."));
        let names: Vec<_> = signature.takes.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["text", "on", "arg2"]);
        let text = Type::Pointer(Box::new(Type::Named("char".into())));
        assert_eq!(signature.takes[0].ty, text);
        assert!(matches!(&signature.takes[1].ty, Type::Callback(on) if on.takes.len() == 1));
    }

    #[test]
    fn a_struct_announced_first_is_one_item() {
        let text = "typedef struct a a;\ntypedef struct a { int32_t x; uint8_t y[4]; } a;";
        let item = one(text);
        let What::Record(Keyword::Struct, Some(members)) = item.what else { panic!("{item:?}") };
        assert_eq!(members[1].ty, Type::Array(Box::new(Type::Named("uint8_t".into())), 4));
    }

    #[test]
    fn an_opaque_struct_and_an_alias_are_told_apart() {
        assert_eq!(one("typedef struct a a;").what, What::Record(Keyword::Struct, None));
        assert_eq!(one("typedef uint64_t a;").what, What::Alias(Type::Named("uint64_t".into())));
    }

    #[test]
    fn an_enum_without_a_name_is_its_constants() {
        let text = "/* Kinds. */\nenum {\n  A, /* first */\n  B = 0x10,\n  /* third */\n  C,\n  D = -2 /* last */\n};";
        let item = one(text);
        assert_eq!((item.name.as_str(), item.doc.as_str()), ("A", "Kinds."));
        let What::Enum(constants) = item.what else { panic!("{item:?}") };
        let found: Vec<_> =
            constants.iter().map(|c| (c.name.as_str(), c.doc.as_str(), c.value)).collect();
        assert_eq!(
            found,
            [("A", "first", 0), ("B", "", 16), ("C", "third", 17), ("D", "last", -2)]
        );
        assert_eq!(items("enum { A };\nenum { B };").unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(items("enum x { A, B };").is_err());
        assert!(items("int f(void)").unwrap_err().contains("';'"));
    }
}
