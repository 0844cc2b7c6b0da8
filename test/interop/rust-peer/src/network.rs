//! The swarm: TCP, Noise with the chain's prologue, yamux, and the protocols of protocol section 18.2 beside our own.

use std::error::Error;
use std::time::Duration;

use libp2p::{
    gossipsub, identify, identity::Keypair, kad, noise, ping, request_response, swarm::behaviour::toggle::Toggle,
    swarm::NetworkBehaviour, tcp, yamux, Swarm, SwarmBuilder,
};
use sha2::{Digest, Sha256};

use crate::frame::FrameCodec;
use crate::names::{Names, TOPICS};

const AGENT: &str = "p2poolv2-test-rust/0.1.0";
/// A request ends without an answer after this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams of requests at a time on one connection, both directions together.
const MAX_STREAMS: usize = 100;
/// Above the largest share (a payload of a frame), with room for what surrounds it in an RPC.
const MAX_RPC_BYTES: usize = 1_200_000;
/// Connections stay when they are idle.
const IDLE: Duration = Duration::from_secs(86_400);

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub kademlia: kad::Behaviour<kad::store::MemoryStore>,
    pub shares: request_response::Behaviour<FrameCodec>,
    /// These two only as one of the project's nodes.
    pub templates: Toggle<request_response::Behaviour<FrameCodec>>,
    pub gossip: Toggle<gossipsub::Behaviour>,
}

pub fn swarm(names: &Names, is_ours: bool) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let prologue = names.shares.as_ref().as_bytes().to_vec();
    let mut swarm = SwarmBuilder::with_existing_identity(Keypair::generate_ed25519())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            |key: &Keypair| noise::Config::new(key).map(|config| config.with_prologue(prologue)),
            yamux::Config::default,
        )?
        .with_behaviour(|key| behaviour(key, names, is_ours))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .build();
    if let Some(gossip) = swarm.behaviour_mut().gossip.as_mut() {
        for short in TOPICS {
            gossip.subscribe(&gossipsub::IdentTopic::new(names.topic(short)))?;
        }
    }
    Ok(swarm)
}

fn behaviour(key: &Keypair, names: &Names, is_ours: bool) -> Result<Behaviour, Box<dyn Error + Send + Sync>> {
    let peer = key.public().to_peer_id();
    let version = names.shares.to_string();
    let identify = identify::Config::new(version, key.public()).with_agent_version(AGENT.to_owned());
    let mut kademlia = kad::Behaviour::with_config(
        peer,
        kad::store::MemoryStore::new(peer),
        kad::Config::new(names.kademlia.clone()),
    );
    kademlia.set_mode(Some(kad::Mode::Server));
    let requests = |protocol| {
        let config = request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(MAX_STREAMS);
        request_response::Behaviour::new([(protocol, request_response::ProtocolSupport::Full)], config)
    };
    Ok(Behaviour {
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::default(),
        kademlia,
        shares: requests(names.shares.clone()),
        templates: is_ours.then(|| requests(names.templates.clone())).into(),
        gossip: if is_ours { Some(gossip()?) } else { None }.into(),
    })
}

/// Nothing is signed; a message is named by its content and passed on once it was judged.
fn gossip() -> Result<gossipsub::Behaviour, Box<dyn Error + Send + Sync>> {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .validate_messages()
        .max_transmit_size(MAX_RPC_BYTES)
        .message_id_fn(|message| {
            let parts: Vec<&str> = message.topic.as_str().split('/').collect();
            let short = parts.iter().rev().nth(1).copied().unwrap_or_default();
            let digest = Sha256::new().chain_update(short).chain_update(&message.data).finalize();
            gossipsub::MessageId::from(digest[..20].to_vec())
        })
        .build()?;
    Ok(gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config)?)
}
