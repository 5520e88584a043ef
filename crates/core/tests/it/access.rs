//! Who may change what (security.md P7).

use std::net::IpAddr;
use std::time::Duration;

use gatepost_core::clients::{ClientChange, ListChange, NewClient};
use gatepost_core::people::NewUser;
use gatepost_core::{Actor, Error, Gatepost};
use gatepost_keys::Plain;
use gatepost_model::{ApiClient, Role, User};
use gatepost_store::tables::people;

use crate::support::Deployment;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5));

/// A user who owns nothing but what `roles` say.
async fn user(deployment: &Deployment, id: &str, roles: &[(&str, Role)]) -> User {
    let workspaces = deployment.gatepost.list_workspaces().await.unwrap();
    let mut user = User {
        id: id.to_owned(),
        email: format!("{id}@example.org"),
        name: id.to_owned(),
        has_second_factor: false,
        memberships: Vec::new(),
        created_at: deployment.gatepost.now(),
    };
    let roles: Vec<_> = roles
        .iter()
        .map(|(name, role)| {
            (workspaces.iter().find(|known| known.subdomain.as_str() == *name).unwrap().number, *role)
        })
        .collect();
    let stored = user.clone();
    user = deployment
        .gatepost
        .store()
        .write(move |tx| {
            people::insert(tx, &stored, "no password")?;
            for (workspace, role) in &roles {
                people::join(tx, &stored.id, *workspace, *role)?;
            }
            Ok::<_, gatepost_store::StoreError>(people::lookup(tx, &stored.id)?.unwrap())
        })
        .await
        .unwrap();
    user
}

/// A user's id, their roles, and whether they manage a client of both workspaces.
type Row = (&'static str, &'static [(&'static str, Role)], bool);

fn actor(user: &User) -> Actor {
    Actor::User(user.id.clone(), HOME)
}

/// Every use case that changes or reveals a client, and whether it answered that there is no such client.
async fn try_everything(gatepost: &std::sync::Arc<Gatepost>, actor: &Actor, client: &ApiClient) -> Vec<bool> {
    let id = &client.id;
    let hour = Duration::from_secs(3600);
    let change = ClientChange { name: Some(String::from("taken over")), ..ClientChange::default() };
    let answers = [
        gatepost.update_client(actor, id, change).await.map(drop),
        gatepost.rotate_secret(actor, id, hour).await.map(drop),
        gatepost.reveal_secrets(actor, id).await.map(drop),
        gatepost.kill_secret(actor, id, 1).await.map(drop),
        gatepost.disable_client(actor, id).await.map(drop),
        gatepost.enable_client(actor, id).await.map(drop),
        gatepost.revoke_client(actor, id).await.map(drop),
        gatepost.delete_client(actor, id).await.map(drop),
    ];
    answers.into_iter().map(|answer| matches!(answer, Err(Error::NotFound { .. }))).collect()
}

#[tokio::test]
async fn p7_nobody_touches_a_client_without_admin_rights_in_all_its_workspaces() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    for name in ["one", "two"] {
        deployment.workspace(name).await;
    }
    let roles: [Row; 6] = [
        ("nobody", &[], false),
        ("member", &[("one", Role::Member), ("two", Role::Member)], false),
        ("half", &[("one", Role::Owner)], false),
        ("mixed", &[("one", Role::Owner), ("two", Role::Member)], false),
        ("admin", &[("one", Role::Admin), ("two", Role::Admin)], true),
        ("owner", &[("one", Role::Owner), ("two", Role::Owner)], true),
    ];
    for (id, roles, may) in roles {
        let user = user(&deployment, id, roles).await;
        let new = NewClient {
            workspaces: vec![String::from("one"), String::from("two")],
            ..NewClient::named("tool")
        };
        let client = gatepost.create_client(&Actor::Cli, new).await.unwrap().client;
        assert_eq!(user.manages(&client), may, "{id}");
        assert_eq!(gatepost.managed_client(&user, &client.id).await.is_ok(), may, "{id}");
        let absent = try_everything(gatepost, &actor(&user), &client).await;
        assert!(absent.iter().all(|absent| *absent != may), "{id}: {absent:?}");
        if !may {
            let after = gatepost.show_client(&client.id).await.unwrap();
            assert_eq!(after, client, "{id}: nothing was touched");
        }
    }
    for stranger in [
        Actor::Unknown(HOME),
        Actor::Client(String::from("cli_x"), HOME),
        Actor::User(String::from("usr_gone"), HOME),
    ] {
        let client = gatepost.create_client(&Actor::Cli, NewClient::named("tool")).await.unwrap().client;
        assert!(try_everything(gatepost, &stranger, &client).await.iter().all(|absent| *absent));
    }
}

#[tokio::test]
async fn p7_a_workspace_of_others_is_answered_like_one_that_does_not_exist() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    for name in ["mine", "theirs"] {
        deployment.workspace(name).await;
    }
    let user = user(&deployment, "half", &[("mine", Role::Admin), ("theirs", Role::Member)]).await;
    let new =
        |workspace: &str| NewClient { workspaces: vec![workspace.to_owned()], ..NewClient::named("tool") };
    let client = gatepost.create_client(&actor(&user), new("mine")).await.unwrap().client;
    let add = |name: &str| ClientChange {
        workspaces: ListChange { add: vec![name.to_owned()], ..ListChange::default() },
        ..ClientChange::default()
    };
    let text = |error: Error, name: &str| error.to_string().replace(name, "…");
    let made = [
        text(gatepost.create_client(&actor(&user), new("theirs")).await.unwrap_err(), "theirs"),
        text(gatepost.create_client(&actor(&user), new("nowhere")).await.unwrap_err(), "nowhere"),
    ];
    assert_eq!(made[0], made[1]);
    let added = [
        text(gatepost.update_client(&actor(&user), &client.id, add("theirs")).await.unwrap_err(), "theirs"),
        text(gatepost.update_client(&actor(&user), &client.id, add("nowhere")).await.unwrap_err(), "nowhere"),
    ];
    assert_eq!(added[0], added[1]);

    // Once somebody else enables it elsewhere, it is no longer theirs alone.
    gatepost.update_client(&Actor::Cli, &client.id, add("theirs")).await.unwrap();
    assert!(gatepost.managed_client(&user, &client.id).await.is_err());
    assert!(try_everything(gatepost, &actor(&user), &client).await.iter().all(|absent| *absent));
}

#[tokio::test]
async fn a_client_without_workspaces_is_its_makers() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    let token = gatepost.prepare_set_up().await.unwrap().unwrap();
    let new = NewUser {
        name: String::from("Ines"),
        email: String::from("ines@example.org"),
        password: Plain::new(String::from("wheel and kiln")),
    };
    let maker = gatepost.set_up(HOME, token.expose(), new).await.unwrap();
    let other = user(&deployment, "other", &[]).await;
    let client = gatepost.create_client(&actor(&maker), NewClient::named("tool")).await.unwrap().client;
    assert!(gatepost.managed_client(&maker, &client.id).await.is_ok());
    assert!(gatepost.managed_client(&other, &client.id).await.is_err());
}
