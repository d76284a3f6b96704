//! What types cannot say of players: each has the hardware that it needs and no other, and nothing is used twice.

use std::path::{Path, PathBuf};

use hanrig_wire::time::Duration;
use toml::Spanned;

use super::check::Checker;
use super::file::BenchFile;
use super::player_tables::{BoardTable, PlayerName, PortTable, QemuTable, WanTable};
use super::{Board, EmulatedBoard, EmulationSettings, Player};
use crate::ports::lock::path_identity;
use crate::ports::{PowerHooks, ProbeSettings, SerialSettings, WanTarget};

/// How long a rig waits in real time unless the bench file says otherwise.
const PATIENCE_SECONDS: u32 = 600;

/// The players of a bench, with their hardware.
pub(super) struct Players {
    pub(super) hub: Player,
    pub(super) wan: Option<WanTarget>,
    pub(super) ppmids: Vec<Player>,
    pub(super) devices: Vec<Player>,
    pub(super) sniffer: Option<SerialSettings>,
    pub(super) emulation: Option<EmulationSettings>,
    pub(super) patience: Duration,
}

/// What a bench is made of, which says what each player needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Of software alone.
    Software,
    /// Of hardware, and software that reaches it over radios.
    Hardware,
    /// Of boards that are emulated, and software on the same air.
    Emulation,
}

/// A player's tables.
struct Tables<'a> {
    player: &'a Spanned<PlayerName>,
    board: Option<&'a Spanned<BoardTable>>,
    qemu: Option<&'a Spanned<QemuTable>>,
    radio: Option<&'a PortTable>,
}

impl Checker<'_> {
    /// The players; `None` only after something wrong was noted.
    pub(super) fn players(&mut self, file: &BenchFile) -> Option<Players> {
        let hub = &file.hub;
        let names: Vec<_> = [&hub.player].into_iter().chain(file.ppmid.iter().map(|ppmid| &ppmid.player)).collect();
        let has = |name| names.iter().any(|player| *player.get_ref() == name);
        let made = match (has(PlayerName::Board), has(PlayerName::Qemu)) {
            (_, true) => Made::Emulation,
            (true, false) => Made::Hardware,
            (false, false) => Made::Software,
        };
        if made == Made::Emulation {
            for player in names.iter().filter(|player| *player.get_ref() == PlayerName::Board) {
                self.wrong(
                    player.span(),
                    "a board, and another player is emulated; expected either on a bench, not both",
                );
            }
        }
        let hub_tables = Tables {
            player: &hub.player,
            board: hub.board.as_ref(),
            qemu: hub.qemu.as_ref(),
            radio: hub.radio.as_ref(),
        };
        let hub_player = self.player("hub", &hub_tables, made);
        let wan = self.hub_wan(&hub.player, hub.wan.as_ref());
        let ppmids: Vec<_> = file
            .ppmid
            .iter()
            .map(|ppmid| {
                let tables = Tables {
                    player: &ppmid.player,
                    board: ppmid.board.as_ref(),
                    qemu: ppmid.qemu.as_ref(),
                    radio: ppmid.radio.as_ref(),
                };
                self.player("ppmid", &tables, made)
            })
            .collect();
        let devices: Vec<_> = file
            .devices()
            .map(|(_, name, device)| {
                if *device.player.get_ref() != PlayerName::Software {
                    let message = format!("no board can play {name} yet; expected \"software\"");
                    self.wrong(device.player.span(), message);
                    return None;
                }
                let tables = Tables { player: &device.player, board: None, qemu: None, radio: device.radio.as_ref() };
                self.player(name, &tables, made)
            })
            .collect();
        let sniffer = file.sniffer.as_ref().map(|table| self.port("sniffer", table));
        match (made, &file.sniffer, names.iter().find(|player| *player.get_ref() == PlayerName::Board)) {
            (Made::Hardware, None, Some(player)) => {
                self.wrong(
                    player.span(),
                    "a board, and no [sniffer]; expected the port of a sniffer that hears the air",
                );
            }
            (Made::Software | Made::Emulation, Some(table), _) => {
                self.wrong(table.port.span(), "a sniffer, and no player is a board that it could hear");
            }
            _ => {}
        }
        let emulation = file.emulation.as_ref().map(|table| EmulationSettings { throttled: table.get_ref().throttled });
        match (made, &file.emulation, names.iter().find(|player| *player.get_ref() == PlayerName::Qemu)) {
            (Made::Emulation, None, Some(player)) => {
                self.wrong(player.span(), "an emulated board, and no [emulation] that says how");
            }
            (Made::Software | Made::Hardware, Some(table), _) => {
                self.wrong(table.span(), "an emulation, and no player is a board of QEMU");
            }
            _ => {}
        }
        let patience = file.patience_seconds.as_ref();
        let patience = patience.map(|seconds| self.within(seconds, 1, 24 * 3600, "seconds up to a day"));
        Some(Players {
            hub: hub_player?,
            wan: wan?,
            ppmids: ppmids.into_iter().collect::<Option<_>>()?,
            devices: devices.into_iter().collect::<Option<_>>()?,
            sniffer,
            emulation,
            patience: Duration::from_secs(patience.unwrap_or(PATIENCE_SECONDS).into()),
        })
    }

    fn player(&mut self, table: &str, tables: &Tables<'_>, made: Made) -> Option<Player> {
        let name = *tables.player.get_ref();
        let whose = match name {
            PlayerName::Software => "software",
            PlayerName::Board => "board",
            PlayerName::Qemu => "qemu",
        };
        if let Some(board) = tables.board.filter(|_| name != PlayerName::Board) {
            self.wrong(
                board.span(),
                format!("the player is \"{whose}\"; expected [{table}.board] only with \"board\""),
            );
        }
        if let Some(qemu) = tables.qemu.filter(|_| name != PlayerName::Qemu) {
            self.wrong(qemu.span(), format!("the player is \"{whose}\"; expected [{table}.qemu] only with \"qemu\""));
        }
        if let Some(radio) = tables.radio.filter(|_| name != PlayerName::Software || made != Made::Hardware) {
            let message = format!("expected [{table}.radio] only for software beside boards");
            self.wrong(radio.port.span(), message);
        }
        let missing = |what: &str| format!("the player is \"{whose}\", and there is no [{table}.{what}]");
        match name {
            PlayerName::Software => {
                let radio = tables.radio.map(|radio| self.port(&format!("{table}.radio"), radio));
                if radio.is_none() && made == Made::Hardware {
                    let message =
                        format!("{}, the radio co-processor over which it reaches the boards", missing("radio"));
                    self.wrong(tables.player.span(), message);
                    return None;
                }
                Some(Player::Software { radio })
            }
            PlayerName::Board => match tables.board {
                Some(board) => Some(Player::Board(Box::new(self.board(table, board.get_ref())?))),
                None => {
                    self.wrong(tables.player.span(), missing("board"));
                    None
                }
            },
            PlayerName::Qemu => match tables.qemu {
                Some(qemu) => Some(Player::Qemu(EmulatedBoard { firmware: self.file(&qemu.get_ref().firmware)? })),
                None => {
                    self.wrong(tables.player.span(), missing("qemu"));
                    None
                }
            },
        }
    }

    fn board(&mut self, table: &str, board: &BoardTable) -> Option<Board> {
        for text in [&board.probe, &board.chip].into_iter().chain(&board.clock_offset) {
            if text.get_ref().trim().is_empty() {
                self.wrong(text.span(), "empty; expected a name");
            }
        }
        self.take(&board.probe, format!("probe {}", board.probe.get_ref()), &format!("{table}.board.probe"));
        let chip_description = board.chip_description.as_ref().map(|path| self.file(path));
        let firmware = self.file(&board.firmware);
        let power = board.power.as_ref().map(|power| {
            for hook in [&power.on, &power.off] {
                self.program(hook);
            }
            PowerHooks {
                on: power.on.get_ref().clone(),
                off: power.off.get_ref().clone(),
                folder: self.folder(),
                limit: Duration::from_secs(power.limit_seconds.into()),
            }
        });
        Some(Board {
            probe: ProbeSettings {
                probe: board.probe.get_ref().clone(),
                chip: board.chip.get_ref().clone(),
                chip_description: match chip_description {
                    Some(path) => Some(path?),
                    None => None,
                },
                speed_khz: board.speed_khz,
                says_goodbye: false,
            },
            firmware: firmware?,
            base_address: board.base_address,
            provisioning: board.provisioning,
            clock_offset: board.clock_offset.as_ref().map(|symbol| symbol.get_ref().clone()),
            power,
        })
    }

    /// The WAN link: that of a hub that is a board. `None` only after something wrong was noted.
    fn hub_wan(
        &mut self,
        player: &Spanned<PlayerName>,
        table: Option<&Spanned<WanTable>>,
    ) -> Option<Option<WanTarget>> {
        let is_board = *player.get_ref() == PlayerName::Board;
        match table {
            None if is_board => {
                self.wrong(
                    player.span(),
                    "the player is \"board\", and there is no [hub.wan], the link between it and the rig",
                );
                None
            }
            None => Some(None),
            Some(table) if !is_board => {
                self.wrong(table.span(), "expected [hub.wan] only with the player \"board\"");
                None
            }
            Some(table) => self.wan(table).map(Some),
        }
    }

    fn wan(&mut self, table: &Spanned<WanTable>) -> Option<WanTarget> {
        let wan = table.get_ref();
        let target = match (&wan.serial, &wan.tcp, &wan.unix, &wan.exec) {
            (Some(port), None, None, None) => WanTarget::Serial(self.port("hub.wan.serial", port)),
            (None, Some(address), None, None) => {
                let host_and_port = address.get_ref().rsplit_once(':');
                if !host_and_port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
                    self.wrong(address.span(), format!("{:?}; expected HOST:PORT", address.get_ref()));
                }
                WanTarget::Tcp(address.get_ref().clone())
            }
            (None, None, Some(path), None) => {
                let place = self.files.path(path.get_ref());
                self.take(path, path_identity(&place), "hub.wan.unix");
                WanTarget::Unix(place)
            }
            (None, None, None, Some(command)) => {
                self.program(command);
                WanTarget::Exec { command: command.get_ref().clone(), folder: self.folder() }
            }
            _ => {
                self.wrong(table.span(), "expected exactly one of serial, tcp, unix and exec");
                return None;
            }
        };
        Some(target)
    }

    fn port(&mut self, whose: &str, table: &PortTable) -> SerialSettings {
        let path = self.files.path(table.port.get_ref());
        self.take(&table.port, path_identity(&path), whose);
        SerialSettings { path, baud: table.baud }
    }

    /// Notes what two players would use at once.
    fn take<T>(&mut self, value: &Spanned<T>, identity: String, whose: &str) {
        if let Some(first) = self.taken.get(&identity) {
            self.wrong(value.span(), format!("it is used by {first} already"));
        } else {
            self.taken.insert(identity, whose.to_owned());
        }
    }

    fn program(&mut self, words: &Spanned<Vec<String>>) {
        if words.get_ref().first().is_none_or(|program| program.trim().is_empty()) {
            self.wrong(words.span(), "no program; expected a program and its arguments");
        }
    }

    fn file(&mut self, path: &Spanned<PathBuf>) -> Option<PathBuf> {
        let place = self.files.path(path.get_ref());
        if self.files.is_file(&place) {
            return Some(place);
        }
        self.wrong(path.span(), format!("there is no file {}; is it built?", place.display()));
        None
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.files.path(Path::new(""))).filter(|folder| folder != Path::new(""))
    }
}
