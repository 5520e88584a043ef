use std::sync::Arc;

use super::connector::{Connector, Purpose};
use super::transaction::{Kind, Refusal, Transaction};
use super::worker::Link;
use crate::location::PostgresUrl;
use crate::options::StoreOptions;

#[path = "../../../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod server;

fn link() -> Option<Link> {
    let url = PostgresUrl::new(server::shared()?.schema());
    let connector = Arc::new(Connector::new(&url, &StoreOptions::default()).unwrap());
    Some(Link::new(&connector, Purpose::Write, &Arc::default()).unwrap())
}

#[test]
fn the_server_commits_nothing_after_a_failure_and_the_driver_does_not_tell() {
    let Some(mut link) = link() else { return };
    let connection = link.up().unwrap();
    connection.command("CREATE TABLE kept (id INT); BEGIN; INSERT INTO kept VALUES (1)").unwrap();
    assert!(connection.command("SELECT 1 / 0").is_err());
    // This is why a transaction is not ended by COMMIT alone.
    assert_eq!(connection.command("COMMIT"), Ok(()));
    assert!(
        connection.command("INSERT INTO kept SELECT 1 / (SELECT count(*) FROM kept)").is_err(),
        "kept is empty"
    );
}

#[test]
fn a_failure_that_nobody_looked_at_is_found_by_the_commit() {
    let Some(mut link) = link() else { return };
    let connection = link.up().unwrap();
    let transaction = Transaction::new(connection, Kind::Together, None);
    transaction.command("CREATE TABLE kept (id INT)").unwrap();
    assert!(transaction.command("SELECT 1 / 0").is_err());
    assert_eq!(transaction.failure(), None);
    assert!(matches!(transaction.commit(), Err(Refusal::NotCommitted(_))));
    assert!(connection.command("SELECT * FROM kept").is_err(), "the table was not made");
    let transaction = Transaction::new(connection, Kind::Together, None);
    transaction.command("CREATE TABLE kept (id INT)").unwrap();
    assert!(transaction.commit().is_ok());
    connection.command("SELECT * FROM kept").unwrap();
}
