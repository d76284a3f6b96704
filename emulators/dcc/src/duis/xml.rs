//! A strict cursor over an XML document: the next child must be the one that is asked for.
//!
//! The cursor holds one open start tag at most, keeps the names of the open elements only, and refuses whatever DUIS
//! does not use: document types, entities beside XML's five, processing instructions, deep nesting.

use super::error::{DuisError, Problem};
use crate::excerpt;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace as Uri, NamespaceResolver, ResolveResult};
use std::borrow::Cow;

/// Namespace of the Service User Gateway, conventionally `sr`.
pub const SERVICE_USER_GATEWAY: &str = "http://www.dccinterface.co.uk/ServiceUserGateway";
/// Namespace of responses and alerts as the Message Mapping Catalogue writes them, conventionally `ra`.
pub const RESPONSE_AND_ALERT: &str = "http://www.dccinterface.co.uk/ResponseAndAlert";
/// Namespace of XML signatures, conventionally `ds`.
pub const XML_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of XML Schema instances; its attributes are passed over on the root element.
pub(super) const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Deepest nesting that is read: the signature's is 6.
const MAXIMUM_DEPTH: usize = 16;
/// Longest start tag that is read, in octets.
const MAXIMUM_TAG: usize = 4096;

type Result<T> = std::result::Result<T, DuisError>;

/// The name of an element in one of DUIS's namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) prefix: &'static str,
    pub(super) local: &'static str,
}

/// A name in the Service User Gateway's namespace.
pub(super) const fn sr(local: &'static str) -> Name {
    Name { prefix: "sr", local }
}

/// A name in the XML signature's namespace.
pub(super) const fn ds(local: &'static str) -> Name {
    Name { prefix: "ds", local }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.prefix, self.local)
    }
}

/// A start tag.
#[derive(Clone, Debug)]
pub(super) struct Start<'a> {
    /// `sr`, `ra`, `ds`, or what stands in the document for a namespace that DUIS does not use.
    prefix: Cow<'static, str>,
    tag: BytesStart<'a>,
    offset: usize,
}

impl Start<'_> {
    fn is(&self, name: Name) -> bool {
        self.prefix == name.prefix && self.tag.local_name().into_inner() == name.local
    }

    fn display(&self) -> String {
        let local = self.tag.local_name().into_inner();
        if self.prefix.is_empty() { excerpt(local) } else { excerpt(&format!("{}:{local}", self.prefix)) }
    }
}

enum Token<'a> {
    Start(Start<'a>),
    End,
    Text(Cow<'a, str>),
    Eof,
}

/// An open element.
struct Frame {
    name: String,
    /// Children met so far, to tell an element that is there twice from one that is out of place.
    seen: Vec<Name>,
}

/// The text of an element, with the place it stands at.
pub(super) struct Leaf<'a> {
    pub(super) name: Name,
    pub(super) text: Cow<'a, str>,
    pub(super) offset: usize,
}

/// The cursor.
pub(super) struct Cursor<'a> {
    document: &'a str,
    reader: Reader<&'a [u8]>,
    namespaces: NamespaceResolver,
    open: Vec<Frame>,
    peeked: Option<(usize, Token<'a>)>,
    /// Where the token last taken began.
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(document: &'a str) -> Self {
        let mut reader = Reader::from_str(document);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        Self { document, reader, namespaces: NamespaceResolver::default(), open: Vec::new(), peeked: None, offset: 0 }
    }

    pub(super) fn error(&self, offset: usize, problem: Problem) -> DuisError {
        DuisError::at(self.document.as_bytes(), offset, problem)
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The name of the innermost open element.
    pub(super) fn inside(&self) -> String {
        self.open.last().map_or_else(|| "the document".to_owned(), |frame| frame.name.clone())
    }

    fn token(&mut self) -> Result<Token<'a>> {
        if let Some((offset, token)) = self.peeked.take() {
            self.offset = offset;
            return Ok(token);
        }
        loop {
            let offset = self.position();
            self.offset = offset;
            let event = self.reader.read_event().map_err(|e| {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(offset);
                self.error(at, Problem::NotWellFormed(e.to_string()))
            })?;
            return Ok(match event {
                Event::Start(tag) | Event::Empty(tag) => Token::Start(self.start(offset, tag)?),
                Event::End(_) => {
                    self.namespaces.pop();
                    Token::End
                }
                Event::Text(text) => Token::Text(self.characters(offset, text.xml10_content())?),
                Event::CData(text) => Token::Text(self.characters(offset, text.xml10_content())?),
                Event::GeneralRef(reference) => {
                    let text = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Cow::Owned(character.to_string()),
                        Ok(None) => {
                            let name = reference.into_inner();
                            match &*name {
                                "lt" => Cow::Borrowed("<"),
                                "gt" => Cow::Borrowed(">"),
                                "amp" => Cow::Borrowed("&"),
                                "apos" => Cow::Borrowed("'"),
                                "quot" => Cow::Borrowed("\""),
                                _ => return Err(self.error(offset, Problem::Entity(excerpt(&name)))),
                            }
                        }
                        Err(e) => return Err(self.error(offset, Problem::NotWellFormed(e.to_string()))),
                    };
                    Token::Text(self.characters(offset, text)?)
                }
                Event::Decl(declaration) => {
                    if offset != 0 {
                        let problem = "the XML declaration stands at the very start or nowhere".to_owned();
                        return Err(self.error(offset, Problem::NotWellFormed(problem)));
                    }
                    match declaration.encoding() {
                        None => {}
                        Some(Ok(name)) if name.eq_ignore_ascii_case("UTF-8") => {}
                        Some(Ok(name)) => return Err(self.error(offset, Problem::Encoding(excerpt(&name)))),
                        Some(Err(e)) => return Err(self.error(offset, Problem::NotWellFormed(e.to_string()))),
                    }
                    continue;
                }
                Event::DocType(_) => return Err(self.error(offset, Problem::DocumentType)),
                Event::PI(_) => return Err(self.error(offset, Problem::ProcessingInstruction)),
                Event::Comment(_) => continue,
                Event::Eof => match self.open.last() {
                    Some(frame) => {
                        return Err(self.error(offset, Problem::EndsInside { inside: frame.name.clone() }));
                    }
                    None => Token::Eof,
                },
            });
        }
    }

    fn characters(&self, offset: usize, text: Cow<'a, str>) -> Result<Cow<'a, str>> {
        match text.chars().find(|c| !is_xml_character(*c)) {
            None => Ok(text),
            Some(c) => Err(self.error(offset, Problem::Character(u32::from(c)))),
        }
    }

    fn start(&mut self, offset: usize, tag: BytesStart<'a>) -> Result<Start<'a>> {
        if self.open.len() >= MAXIMUM_DEPTH {
            return Err(self.error(offset, Problem::TooDeep { limit: MAXIMUM_DEPTH }));
        }
        if tag.len() > MAXIMUM_TAG {
            return Err(self.error(offset, Problem::TagTooLong { limit: MAXIMUM_TAG }));
        }
        if let Err(e) = self.namespaces.push(&tag) {
            return Err(self.error(offset, Problem::NotWellFormed(e.to_string())));
        }
        let name = tag.name();
        let prefix = match self.namespaces.resolve_element(name).0 {
            ResolveResult::Bound(Uri(SERVICE_USER_GATEWAY)) => Cow::Borrowed("sr"),
            ResolveResult::Bound(Uri(RESPONSE_AND_ALERT)) => Cow::Borrowed("ra"),
            ResolveResult::Bound(Uri(XML_SIGNATURE)) => Cow::Borrowed("ds"),
            // A foreign namespace must not pass for ours, whatever its prefix is.
            ResolveResult::Bound(Uri(uri)) => Cow::Owned(format!("{{{}}}", excerpt(uri))),
            ResolveResult::Unbound => Cow::Borrowed(""),
            ResolveResult::Unknown(prefix) => {
                return Err(self.error(offset, Problem::UnboundPrefix(excerpt(&prefix))));
            }
        };
        Ok(Start { prefix, tag, offset })
    }

    /// The next start tag inside the innermost element, which stays where it is; `None` when that element ends.
    fn peek(&mut self) -> Result<Option<&Start<'a>>> {
        if self.peeked.is_none() {
            loop {
                let token = self.token()?;
                match &token {
                    Token::Text(text) if text.chars().all(is_xml_space) => continue,
                    Token::Text(text) => {
                        let problem = if self.open.is_empty() {
                            Problem::AfterRoot
                        } else {
                            Problem::UnexpectedText { text: excerpt(text.trim()), parent: self.inside() }
                        };
                        return Err(self.error(self.offset, problem));
                    }
                    Token::Start(_) | Token::End | Token::Eof => {}
                }
                self.peeked = Some((self.offset, token));
                break;
            }
        }
        Ok(match &self.peeked {
            Some((_, Token::Start(start))) => Some(start),
            _ => None,
        })
    }

    /// Whether the next child is `name`.
    pub(super) fn next_is(&mut self, name: Name) -> Result<bool> {
        Ok(self.peek()?.is_some_and(|start| start.is(name)))
    }

    /// Which of `names` the next child is.
    pub(super) fn next_of(&mut self, names: &[Name]) -> Result<Option<Name>> {
        Ok(self.peek()?.and_then(|start| names.iter().copied().find(|name| start.is(*name))))
    }

    /// The error for a next child (or none) that is not `expected`.
    pub(super) fn unexpected(&mut self, expected: &str) -> DuisError {
        let parent = self.inside();
        let found = match self.peek() {
            Err(e) => return e,
            Ok(found) => found.map(|start| (start.offset, start.display())),
        };
        let expected = expected.to_owned();
        match found {
            Some((offset, found)) => {
                let twice = self.open.last().is_some_and(|f| f.seen.iter().any(|name| name.to_string() == found));
                let problem = if twice {
                    Problem::DuplicateElement { found, parent }
                } else {
                    Problem::UnexpectedElement { found, parent, expected }
                };
                self.error(offset, problem)
            }
            None => {
                let offset = self.peeked.as_ref().map_or(self.offset, |(offset, _)| *offset);
                self.error(offset, Problem::MissingElement { parent, expected })
            }
        }
    }

    /// Enters the next child, which must be `name`.
    pub(super) fn enter(&mut self, name: Name) -> Result<Start<'a>> {
        if !self.next_is(name)? {
            return Err(self.unexpected(&name.to_string()));
        }
        let start = match self.token()? {
            Token::Start(start) => start,
            // `next_is` saw a start tag, so this is never taken.
            Token::End | Token::Text(_) | Token::Eof => return Err(self.unexpected(&name.to_string())),
        };
        if let Some(frame) = self.open.last_mut().filter(|frame| !frame.seen.contains(&name)) {
            frame.seen.push(name);
        }
        self.open.push(Frame { name: name.to_string(), seen: Vec::new() });
        Ok(start)
    }

    /// Enters the next child, which must be `name` and without attributes.
    pub(super) fn enter_plain(&mut self, name: Name) -> Result<()> {
        let start = self.enter(name)?;
        self.attributes(&start, &[]).map(drop)
    }

    /// Leaves the innermost element, which must hold no further child.
    pub(super) fn leave(&mut self) -> Result<()> {
        if self.peek()?.is_some() {
            let end = format!("the end of {}", self.inside());
            return Err(self.unexpected(&end));
        }
        self.peeked = None;
        self.open.pop();
        Ok(())
    }

    /// Takes the next child `name`, which holds text alone. Space at both ends of the text is cut off.
    pub(super) fn leaf(&mut self, name: Name) -> Result<Leaf<'a>> {
        self.enter_plain(name)?;
        let mut text: Option<(usize, Cow<'a, str>)> = None;
        loop {
            match self.token()? {
                Token::Text(more) => match &mut text {
                    None => text = Some((self.offset, more)),
                    Some((_, text)) => text.to_mut().push_str(&more),
                },
                Token::Start(start) => {
                    let problem = Problem::UnexpectedElement {
                        found: start.display(),
                        parent: self.inside(),
                        expected: "text".to_owned(),
                    };
                    return Err(self.error(start.offset, problem));
                }
                Token::End => {
                    self.open.pop();
                    let (offset, text) = text.unwrap_or((self.offset, Cow::Borrowed("")));
                    let text = match text {
                        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_xml_space)),
                        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_xml_space).to_owned()),
                    };
                    return Ok(Leaf { name, text, offset });
                }
                // `token` reports an end inside an element itself.
                Token::Eof => return Err(self.error(self.offset, Problem::EndsInside { inside: self.inside() })),
            }
        }
    }

    /// After the root element: nothing may follow.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self.peek()? {
            None => Ok(()),
            Some(start) => {
                let offset = start.offset;
                Err(self.error(offset, Problem::AfterRoot))
            }
        }
    }

    /// The values of the attributes `wanted` of a start tag, each of which must be there, and no other beside namespace
    /// bindings and XML Schema's own.
    pub(super) fn attributes(&self, start: &Start<'a>, wanted: &[&'static str]) -> Result<Vec<String>> {
        let mut values: Vec<Option<String>> = vec![None; wanted.len()];
        for attribute in start.tag.attributes() {
            let ill_formed = |e: String| self.error(start.offset, Problem::NotWellFormed(e));
            let attribute = attribute.map_err(|e| ill_formed(e.to_string()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (namespace, local) = self.namespaces.resolve_attribute(attribute.key);
            match namespace {
                ResolveResult::Bound(Uri(SCHEMA_INSTANCE)) => continue,
                ResolveResult::Unbound => {}
                ResolveResult::Bound(_) | ResolveResult::Unknown(_) => {
                    return Err(self.unexpected_attribute(start, attribute.key.into_inner()));
                }
            }
            let slot = wanted.iter().position(|name| *name == local.into_inner()).and_then(|at| values.get_mut(at));
            let Some(slot) = slot else {
                return Err(self.unexpected_attribute(start, attribute.key.into_inner()));
            };
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|e| ill_formed(e.to_string()))?;
            *slot = Some(self.characters(start.offset, Cow::Owned(value.into_owned()))?.into_owned());
        }
        let mut found = Vec::with_capacity(wanted.len());
        for (attribute, value) in wanted.iter().zip(values) {
            let missing = || Problem::MissingAttribute { attribute, element: start.display() };
            found.push(value.ok_or_else(|| self.error(start.offset, missing()))?);
        }
        Ok(found)
    }

    fn unexpected_attribute(&self, start: &Start<'a>, attribute: &str) -> DuisError {
        let problem = Problem::UnexpectedAttribute { attribute: excerpt(attribute), element: start.display() };
        self.error(start.offset, problem)
    }

    /// The error for an attribute with a wrong value.
    pub(super) fn attribute_value(
        &self,
        start: &Start<'a>,
        attribute: &'static str,
        value: &str,
        expected: &str,
    ) -> DuisError {
        let problem = Problem::AttributeValue {
            attribute,
            element: start.display(),
            value: excerpt(value),
            expected: expected.to_owned(),
        };
        self.error(start.offset, problem)
    }
}

/// XML 1.0's white space.
pub(super) fn is_xml_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// What XML 1.0 calls a Char.
pub(super) fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
