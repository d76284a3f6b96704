//! What can be wrong with a DUIS document, and where.

/// Why a document is not a DUIS message that this project reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Place { line: *line, column: *column, problem })]
pub struct DuisError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// Offset in octets from the start of the document.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// Where it is, in front of what it is.
struct Place<'a> {
    line: usize,
    column: usize,
    problem: &'a Problem,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.problem {
            // Of the document as a whole.
            Problem::TooLong { .. } | Problem::Io(_) => Ok(()),
            _ => write!(f, "line {}, column {}: ", self.line, self.column),
        }
    }
}

impl DuisError {
    /// `problem` at `offset` of `document`. Octets that are no UTF-8 count as characters of their own.
    pub(super) fn at(document: &[u8], offset: usize, problem: Problem) -> Self {
        let before = document.get(..offset).unwrap_or(document);
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let last_line = before.get(line_start..).unwrap_or_default();
        // Continuation octets of UTF-8 are no characters of their own.
        let column = 1 + last_line.iter().filter(|b| **b & 0xC0 != 0x80).count();
        Self { line, column, offset, problem }
    }
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The document is larger than the reader takes.
    #[error("the document is longer than {limit} octets, the most that is read")]
    TooLong {
        /// The most that is read, in octets.
        limit: usize,
    },
    /// The source of the document failed.
    #[error("the document cannot be read: {0}")]
    Io(String),
    /// The document is not UTF-8.
    #[error("this is not UTF-8 text")]
    NotUtf8,
    /// The XML declaration names another encoding.
    #[error("the XML declaration says encoding {0}, expected UTF-8")]
    Encoding(String),
    /// The document is not well-formed XML.
    #[error("not well-formed XML: {0}")]
    NotWellFormed(String),
    /// The document has a document type declaration.
    #[error("a document type declaration (DOCTYPE) is not accepted")]
    DocumentType,
    /// The document has a processing instruction.
    #[error("a processing instruction is not accepted")]
    ProcessingInstruction,
    /// An entity reference that is not one of XML's five.
    #[error("entity &{0}; is not accepted, expected lt, gt, amp, apos, quot or a character reference")]
    Entity(String),
    /// A character that XML 1.0 does not allow.
    #[error("character U+{0:04X} is not allowed in XML")]
    Character(u32),
    /// Elements nest deeper than any DUIS message does.
    #[error("elements nest deeper than {limit} levels")]
    TooDeep {
        /// The most levels that are read.
        limit: usize,
    },
    /// A start tag is longer than any DUIS message needs.
    #[error("the start tag is longer than {limit} octets")]
    TagTooLong {
        /// The longest start tag that is read, in octets.
        limit: usize,
    },
    /// A prefix is not bound to a namespace.
    #[error("prefix {0} is not bound to a namespace")]
    UnboundPrefix(String),
    /// The document ends too early.
    #[error("the document ends inside element {inside}")]
    EndsInside {
        /// The innermost open element.
        inside: String,
    },
    /// The document holds no element.
    #[error("the document holds no element, expected {expected}")]
    Empty {
        /// What was expected.
        expected: &'static str,
    },
    /// Something follows the root element.
    #[error("unexpected content after the root element")]
    AfterRoot,
    /// An element that may not stand here.
    #[error("unexpected element {found} in {parent}, expected {expected}")]
    UnexpectedElement {
        /// The element found.
        found: String,
        /// The element around it.
        parent: String,
        /// What was expected.
        expected: String,
    },
    /// An element that may occur once and was there already.
    #[error("element {found} occurs more than once in {parent}")]
    DuplicateElement {
        /// The element found.
        found: String,
        /// The element around it.
        parent: String,
    },
    /// An element ends before all that it must hold was there.
    #[error("element {parent} ends without {expected}")]
    MissingElement {
        /// The element that ends.
        parent: String,
        /// What is missing.
        expected: String,
    },
    /// Text where only elements may be.
    #[error("unexpected text {text:?} in {parent}, where only elements may be")]
    UnexpectedText {
        /// The start of the text.
        text: String,
        /// The element around it.
        parent: String,
    },
    /// An attribute that may not stand here.
    #[error("unexpected attribute {attribute} in {element}")]
    UnexpectedAttribute {
        /// The attribute.
        attribute: String,
        /// Its element.
        element: String,
    },
    /// An attribute is missing.
    #[error("element {element} has no attribute {attribute}")]
    MissingAttribute {
        /// The attribute.
        attribute: &'static str,
        /// Its element.
        element: String,
    },
    /// An attribute's value is wrong.
    #[error("attribute {attribute} of {element} is {value:?}, expected {expected}")]
    AttributeValue {
        /// The attribute.
        attribute: &'static str,
        /// Its element.
        element: String,
        /// The start of its value.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// An element's text is wrong.
    #[error("element {element} holds {value:?}, expected {expected}")]
    Value {
        /// The element.
        element: String,
        /// The start of its text.
        value: String,
        /// What was expected.
        expected: String,
    },
}
