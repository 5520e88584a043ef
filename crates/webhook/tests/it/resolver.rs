//! The DNS resolver against a name server of our own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use gatepost_webhook::egress::resolver::{DnsResolver, Resolve};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);

/// Knows one name, `hooks.example.com`, and writes down every question.
struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl NameServer {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut packet = [0; 1500];
            loop {
                let (length, client) = socket.recv_from(&mut packet).await.unwrap();
                let question = Message::from_vec(&packet[..length]).unwrap();
                log.lock().unwrap().push(question.queries[0].to_string());
                socket.send_to(&answer(&question).to_vec().unwrap(), client).await.unwrap();
            }
        });
        Self { address, asked, _task: task }
    }

    fn resolver(&self) -> DnsResolver {
        let mut connection = ConnectionConfig::udp();
        connection.port = self.address.port();
        let server = NameServerConfig::new(self.address.ip(), true, vec![connection]);
        let search = vec![Name::from_ascii("corp.example.").unwrap()];
        DnsResolver::new(ResolverConfig::from_parts(None, search, vec![server])).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn answer(question: &Message) -> Message {
    let query = question.queries[0].clone();
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    if query.name().to_ascii() != "hooks.example.com." {
        answer.metadata.response_code = ResponseCode::NXDomain;
    } else {
        let data = match query.query_type() {
            RecordType::A => RData::A(A(V4)),
            _ => RData::AAAA(AAAA(V6)),
        };
        answer.add_answer(Record::from_rdata(query.name().clone(), 86_400, data));
    }
    answer.add_query(query);
    answer
}

#[tokio::test]
async fn a_name_is_asked_for_as_it_stands_and_cached() {
    let server = NameServer::start().await;
    let resolver = server.resolver();
    let both: Vec<IpAddr> = vec![V4.into(), V6.into()];
    assert_eq!(resolver.resolve("hooks.example.com.").await, Ok(both.clone()));
    assert_eq!(server.asked(), 2, "one question for each family");
    assert_eq!(resolver.resolve("hooks.example.com.").await, Ok(both));
    assert_eq!(server.asked(), 2, "answered from the cache");
}

#[tokio::test]
async fn what_the_name_server_does_not_know_is_looked_for_nowhere_else() {
    let server = NameServer::start().await;
    let resolver = server.resolver();
    assert!(resolver.resolve("hooks.").await.is_err());
    // The machine's own name stands in its hosts file.
    let machine = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    assert!(resolver.resolve(&format!("{}.", machine.trim())).await.is_err());
    for question in server.asked.lock().unwrap().iter() {
        assert!(!question.contains("corp.example"), "{question}");
    }
}
