//! Joins commands and the swarm: what is asked is done, what happens is told.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::request_response::{Message, OutboundRequestId};
use libp2p::swarm::SwarmEvent;
use libp2p::{gossipsub, identify, kad, ping, request_response, PeerId, Swarm};
use serde_json::json;

use crate::control::{parse, tell, Command};
use crate::names::Names;
use crate::network::{swarm, Behaviour, BehaviourEvent};

type RequestEvent = request_response::Event<Vec<u8>, Vec<u8>>;

pub struct Peer {
    names: Names,
    swarm: Swarm<Behaviour>,
    /// What requests are answered with, by their first bytes.
    answers: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Ids that commands gave to requests under way.
    asked: HashMap<(&'static str, OutboundRequestId), u64>,
    verdict: fn() -> gossipsub::MessageAcceptance,
}

impl Peer {
    pub fn start(names: Names, is_ours: bool) -> Result<Self, Box<dyn Error>> {
        let mut swarm = swarm(&names, is_ours)?;
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
        tell(json!({ "event": "started", "peer": swarm.local_peer_id().to_string() }));
        Ok(Self {
            names,
            swarm,
            answers: BTreeMap::new(),
            asked: HashMap::new(),
            verdict: || gossipsub::MessageAcceptance::Accept,
        })
    }

    pub fn obey(&mut self, line: &str) {
        match parse(line) {
            Ok(command) => self.perform(command),
            Err(reason) => tell(json!({ "event": "refused", "reason": reason })),
        }
    }

    /// Waits for one event of the swarm and tells it.
    pub async fn work(&mut self) {
        match self.swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => tell(json!({ "event": "listening", "address": address.to_string() })),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => tell(json!({
                "event": "connected",
                "peer": peer_id.to_string(),
                "direction": if endpoint.is_dialer() { "outbound" } else { "inbound" },
                "address": remote_address(&endpoint),
            })),
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                tell(json!({ "event": "closed", "peer": peer_id.to_string() }))
            }
            SwarmEvent::OutgoingConnectionError { error, .. } => {
                tell(json!({ "event": "dialFailed", "reason": format!("{error:?}") }))
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tell(json!({ "event": "acceptFailed", "reason": format!("{error:?}") }))
            }
            SwarmEvent::Behaviour(event) => self.behaved(event),
            _ => {}
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Dial(address) => {
                if let Err(error) = self.swarm.dial(address) {
                    tell(json!({ "event": "dialFailed", "reason": format!("{error:?}") }));
                }
            }
            Command::Disconnect(peer) => drop(self.swarm.disconnect_peer_id(peer)),
            Command::Request { id, peer, protocol, payload } => {
                let behaviour = self.swarm.behaviour_mut();
                let key = match (protocol.as_str(), behaviour.templates.as_mut()) {
                    ("templates", Some(templates)) => ("templates", templates.send_request(&peer, payload)),
                    _ => ("shares", behaviour.shares.send_request(&peer, payload)),
                };
                self.asked.insert(key, id);
            }
            Command::Answer { request, response } => {
                self.answers.insert(request, response);
                tell(json!({ "event": "answering", "count": self.answers.len() }));
            }
            Command::Publish { topic, payload } => {
                let topic = gossipsub::IdentTopic::new(self.names.topic(&topic));
                let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() else {
                    return tell(json!({ "event": "notPublished", "reason": "it is in no topic" }));
                };
                let event = match gossip.publish(topic, payload) {
                    Ok(id) => json!({ "event": "published", "id": id.to_string() }),
                    Err(error) => json!({ "event": "notPublished", "reason": error.to_string() }),
                };
                tell(event);
            }
            Command::Judge(verdict) => {
                self.verdict = match verdict.as_str() {
                    "accept" => || gossipsub::MessageAcceptance::Accept,
                    "reject" => || gossipsub::MessageAcceptance::Reject,
                    _ => || gossipsub::MessageAcceptance::Ignore,
                }
            }
            Command::Find(peer) => drop(self.swarm.behaviour_mut().kademlia.get_closest_peers(peer)),
        }
    }

    fn behaved(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => self.identified(peer_id, info),
            BehaviourEvent::Identify(identify::Event::Error { peer_id, error, .. }) => tell(json!({
                "event": "notIdentified", "peer": peer_id.to_string(), "reason": format!("{error:?}"),
            })),
            BehaviourEvent::Ping(ping::Event { peer, result, .. }) => tell(json!({
                "event": "pinged", "peer": peer.to_string(), "ok": result.is_ok(),
            })),
            BehaviourEvent::Kademlia(kad::Event::OutboundQueryProgressed {
                result: kad::QueryResult::GetClosestPeers(result),
                ..
            }) => {
                let peers = match &result {
                    Ok(found) => &found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                let peers: Vec<String> = peers.iter().map(|info| info.peer_id.to_string()).collect();
                tell(json!({ "event": "found", "ok": result.is_ok(), "peers": peers }));
            }
            BehaviourEvent::Kademlia(kad::Event::RoutingUpdated { peer, .. }) => {
                tell(json!({ "event": "routed", "peer": peer.to_string() }))
            }
            BehaviourEvent::Shares(event) => self.requested("shares", event),
            BehaviourEvent::Templates(event) => self.requested("templates", event),
            BehaviourEvent::Gossip(event) => self.heard(event),
            _ => {}
        }
    }

    fn identified(&mut self, peer: PeerId, info: identify::Info) {
        for address in &info.listen_addrs {
            self.swarm.behaviour_mut().kademlia.add_address(&peer, address.clone());
        }
        tell(json!({
            "event": "identified",
            "peer": peer.to_string(),
            "agent": info.agent_version,
            "protocolVersion": info.protocol_version,
            "protocols": info.protocols.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "listens": info.listen_addrs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "observed": info.observed_addr.to_string(),
        }));
    }

    fn requested(&mut self, protocol: &'static str, event: RequestEvent) {
        match event {
            RequestEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let answer = self.answers.iter().filter(|(start, _)| request.starts_with(start)).max_by_key(|(start, _)| start.len());
                let response = answer.and_then(|(_, response)| response.clone());
                tell(json!({
                    "event": "request",
                    "peer": peer.to_string(),
                    "protocol": protocol,
                    "payload": hex::encode(&request),
                    "answer": response.as_ref().map(hex::encode),
                }));
                // A channel that is let go of closes the stream without data.
                if let Some(response) = response {
                    let behaviour = self.swarm.behaviour_mut();
                    let requests = match behaviour.templates.as_mut() {
                        Some(templates) if protocol == "templates" => templates,
                        _ => &mut behaviour.shares,
                    };
                    drop(requests.send_response(channel, response));
                }
            }
            RequestEvent::Message { message: Message::Response { request_id, response }, .. } => {
                let id = self.asked.remove(&(protocol, request_id));
                tell(json!({ "event": "response", "id": id, "payload": hex::encode(response) }));
            }
            RequestEvent::OutboundFailure { request_id, error, .. } => {
                let id = self.asked.remove(&(protocol, request_id));
                tell(json!({ "event": "requestFailed", "id": id, "reason": format!("{error:?}") }));
            }
            RequestEvent::InboundFailure { peer, error, .. } => tell(json!({
                "event": "answerFailed", "peer": peer.to_string(), "reason": format!("{error:?}"),
            })),
            RequestEvent::ResponseSent { .. } => {}
        }
    }

    fn heard(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source: peer, message_id, message } => {
                tell(json!({
                    "event": "gossip",
                    "peer": peer.to_string(),
                    "topic": self.names.short_topic(message.topic.as_str()),
                    "id": message_id.to_string(),
                    "payload": hex::encode(&message.data),
                }));
                let verdict = (self.verdict)();
                if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
                    gossip.report_message_validation_result(&message_id, &peer, verdict);
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } => tell(json!({
                "event": "subscribed", "peer": peer_id.to_string(), "topic": self.names.short_topic(topic.as_str()),
            })),
            gossipsub::Event::GossipsubNotSupported { peer_id } => tell(json!({
                "event": "gossipNotSupported", "peer": peer_id.to_string(),
            })),
            _ => {}
        }
    }
}

fn remote_address(endpoint: &ConnectedPoint) -> String {
    endpoint.get_remote_address().to_string()
}
