//! Commands come as JSON lines on the standard input, events leave as JSON lines on the standard output.

use libp2p::{Multiaddr, PeerId};
use serde_json::Value;

pub enum Command {
    /// Tells `dialFailed` or `connected`.
    Dial(Multiaddr),
    Disconnect(PeerId),
    /// Tells `response` or `requestFailed` with the same id.
    Request { id: u64, peer: PeerId, protocol: String, payload: Vec<u8> },
    /// From now on a request that begins with `request` is answered with `response`, or with nothing. The longest
    /// beginning that fits counts.
    Answer { request: Vec<u8>, response: Option<Vec<u8>> },
    /// Tells `published`.
    Publish { topic: String, payload: Vec<u8> },
    /// From now on topic messages are passed on (`accept`), dropped (`ignore`) or held against their sender (`reject`).
    Judge(String),
    /// Asks Kademlia for the peers closest to this one; tells `found`.
    Find(PeerId),
}

pub fn parse(line: &str) -> Result<Command, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |key: &str| value[key].as_str().ok_or_else(|| format!("no text {key} in {line}"));
    let bytes = |key: &str| hex::decode(text(key)?).map_err(|error| error.to_string());
    let peer = || text("peer")?.parse::<PeerId>().map_err(|error| error.to_string());
    Ok(match text("command")? {
        "dial" => Command::Dial(text("address")?.parse().map_err(|error| format!("{error}"))?),
        "disconnect" => Command::Disconnect(peer()?),
        "request" => Command::Request {
            id: value["id"].as_u64().ok_or("no number id")?,
            peer: peer()?,
            protocol: text("protocol")?.to_owned(),
            payload: bytes("payload")?,
        },
        "answer" => Command::Answer {
            request: bytes("request")?,
            response: if value["response"].is_null() { None } else { Some(bytes("response")?) },
        },
        "publish" => Command::Publish { topic: text("topic")?.to_owned(), payload: bytes("payload")? },
        "judge" => Command::Judge(text("verdict")?.to_owned()),
        "find" => Command::Find(peer()?),
        other => return Err(format!("no such command: {other}")),
    })
}

/// Writes one event as a line.
pub fn tell(event: Value) {
    println!("{event}");
}
