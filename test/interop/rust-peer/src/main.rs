//! A peer of the P2Poolv2 network that shares nothing with the project but its pages, for tests of what is on the wire.
//! `rust-peer NET TAG ours|reference`; see `control.rs` for what it is told and `peer.rs` for what it tells. It ends with its input.

mod control;
mod frame;
mod names;
mod network;
mod peer;

use std::error::Error;

use tokio::io::{stdin, AsyncBufReadExt, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [net, tag, dialect] = arguments.as_slice() else {
        return Err("usage: rust-peer NET TAG ours|reference".into());
    };
    let mut peer = peer::Peer::start(names::Names::new(net, tag)?, dialect == "ours")?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => peer.obey(&line),
                None => return Ok(()),
            },
            () = peer.work() => {}
        }
    }
}
