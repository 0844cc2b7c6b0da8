//! Names by which nodes of one share chain find each other (protocol section 18.1, page "wire").

use libp2p::StreamProtocol;

/// What a topic is about; the last but one part of its name.
pub const TOPICS: [&str; 2] = ["shares", "templates"];

pub struct Names {
    /// Protocol of requests, identify's protocol version and the prologue of Noise.
    pub shares: StreamProtocol,
    /// Protocol of template requests.
    pub templates: StreamProtocol,
    pub kademlia: StreamProtocol,
    base: String,
}

impl Names {
    /// `net` is main, testnet4, signet, regtest or devnet; `tag` the first 8 hex digits of the genesis share's hash, or empty
    /// as in revision 0.13.
    pub fn new(net: &str, tag: &str) -> Result<Self, libp2p::swarm::InvalidProtocol> {
        let base = if tag.is_empty() { format!("/p2pool/{net}") } else { format!("/p2pool/{net}/{tag}") };
        let named = |rest: &str| StreamProtocol::try_from_owned(format!("{base}/{rest}1.0.0"));
        Ok(Self {
            shares: named("")?,
            templates: named("templates/")?,
            kademlia: named("kad/")?,
            base,
        })
    }

    /// The full name of one of `TOPICS`.
    pub fn topic(&self, short: &str) -> String {
        format!("{}/topic/{short}/1.0.0", self.base)
    }

    /// The short name in a full one; None when it is no topic of this chain.
    pub fn short_topic(&self, topic: &str) -> Option<&'static str> {
        TOPICS.into_iter().find(|short| self.topic(short) == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_page() {
        let names = Names::new("signet", "8b0d970f").unwrap();
        assert_eq!(names.shares.as_ref(), "/p2pool/signet/8b0d970f/1.0.0");
        assert_eq!(names.kademlia.as_ref(), "/p2pool/signet/8b0d970f/kad/1.0.0");
        assert_eq!(names.templates.as_ref(), "/p2pool/signet/8b0d970f/templates/1.0.0");
        assert_eq!(names.topic("shares"), "/p2pool/signet/8b0d970f/topic/shares/1.0.0");
        assert_eq!(Names::new("regtest", "").unwrap().shares.as_ref(), "/p2pool/regtest/1.0.0");
        assert_eq!(names.short_topic("/p2pool/signet/8b0d970f/topic/templates/1.0.0"), Some("templates"));
    }
}
