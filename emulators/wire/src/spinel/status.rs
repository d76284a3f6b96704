use core::fmt;

/// How a request ended, or what happened to the RCP (`spinel_status_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            const fn text(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Done.
    OK = 0, "done";
    /// Failed for an undefined reason.
    FAILURE = 1, "failed";
    /// The operation is not implemented.
    UNIMPLEMENTED = 2, "not implemented";
    /// An argument is invalid.
    INVALID_ARGUMENT = 3, "invalid argument";
    /// Not now: disabled, or another frame is being sent.
    INVALID_STATE = 4, "invalid in this state";
    /// The command is not known.
    INVALID_COMMAND = 5, "unknown command";
    /// The interface is not known.
    INVALID_INTERFACE = 6, "unknown interface";
    /// An error within the RCP.
    INTERNAL_ERROR = 7, "internal error";
    /// The command does not parse.
    PARSE_ERROR = 9, "the command does not parse";
    /// Out of memory.
    NOMEM = 11, "out of memory";
    /// Busy with something that excludes this.
    BUSY = 12, "busy";
    /// The property is not known.
    PROP_NOT_FOUND = 13, "unknown property";
    /// The frame was dropped.
    DROPPED = 14, "dropped";
    /// The command is too long.
    CMD_TOO_BIG = 16, "the command is too long";
    /// No acknowledgement came, after all retries.
    NO_ACK = 17, "not acknowledged";
    /// CSMA-CA found no idle channel.
    CCA_FAILURE = 18, "no access to the channel";
    /// It is so already.
    ALREADY = 19, "already so";
    /// There is no such item in the list.
    ITEM_NOT_FOUND = 20, "no such item";
    /// The property does not know this command.
    INVALID_COMMAND_FOR_PROP = 21, "the property does not take this command";
    /// Reset: power came on, or the host asked for a reset of the stack.
    RESET_POWER_ON = 112, "reset: power on";
    /// Reset by a pin.
    RESET_EXTERNAL = 113, "reset: external";
    /// Reset that the host asked for.
    RESET_SOFTWARE = 114, "reset: software";
    /// Reset after a fault.
    RESET_FAULT = 115, "reset: fault";
    /// Reset after a crash.
    RESET_CRASH = 116, "reset: crash";
    /// Reset after a failed assertion.
    RESET_ASSERT = 117, "reset: assertion failed";
    /// Reset for another reason.
    RESET_OTHER = 118, "reset: other";
    /// Reset for an unknown reason.
    RESET_UNKNOWN = 119, "reset: unknown";
    /// Reset by the watchdog.
    RESET_WATCHDOG = 120, "reset: watchdog";
}

impl Status {
    /// Whether it tells that the RCP has just started.
    pub const fn is_reset(self) -> bool {
        self.0 >= 112 && self.0 < 128
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(text),
            None => write!(f, "status {}", self.0),
        }
    }
}
