//! Who belongs to which workspaces: roles, removing, invitations, password links.

use std::net::IpAddr;

use gatepost_core::invitations::INVITATION_LIFETIME;
use gatepost_core::password_links::PASSWORD_LINK_LIFETIME;
use gatepost_core::people::NewUser;
use gatepost_core::sessions::Refusal;
use gatepost_core::{Actor, Error, Page};
use gatepost_keys::Plain;
use gatepost_model::{Role, User};
use gatepost_store::tables::people;

use crate::support::Deployment;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5));
const PASSWORD: &str = "wheel and kiln";

fn plain(text: &str) -> Plain {
    Plain::new(text.to_owned())
}

fn actor(user: &User) -> Actor {
    Actor::User(user.id.clone(), HOME)
}

/// The owner of every workspace that there is.
async fn owner(deployment: &Deployment) -> User {
    let gatepost = &deployment.gatepost;
    let token = gatepost.prepare_set_up().await.unwrap().unwrap();
    let email = String::from("ines@ceramics.example");
    let new = NewUser { name: String::from("Ines"), email, password: plain(PASSWORD) };
    let user = gatepost.set_up(HOME, token.expose(), new).await.unwrap();
    reread(deployment, &user.id).await
}

async fn reread(deployment: &Deployment, id: &str) -> User {
    let id = id.to_owned();
    deployment.gatepost.store().read(move |tx| people::lookup(tx, &id)).await.unwrap().unwrap()
}

/// Somebody new, who accepted an invitation of `by`.
async fn invited(deployment: &Deployment, by: &User, name: &str, at: &[&str], role: Role) -> User {
    let gatepost = &deployment.gatepost;
    let at: Vec<_> = at.iter().map(|one| (*one).to_owned()).collect();
    let email = format!("{name}@ceramics.example");
    let (_, token) = gatepost.invite(&actor(by), &email, &at, role).await.unwrap();
    let user = gatepost.accept_as_new(HOME, token.expose(), name, plain(PASSWORD)).await.unwrap();
    reread(deployment, &user.id).await
}

async fn both(test: impl AsyncFn(Deployment)) {
    test(Deployment::new().await).await;
    if let Some(deployment) = Deployment::on_postgres().await {
        test(deployment).await;
    }
}

#[tokio::test]
async fn nobody_raises_anyone_above_themself() {
    both(async |deployment| {
        for name in ["one", "two"] {
            deployment.workspace(name).await;
        }
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        let admin = invited(&deployment, &ines, "tomasz", &["one"], Role::Admin).await;
        let member = invited(&deployment, &ines, "aiko", &["one", "two"], Role::Member).await;

        let one = [String::from("one")];
        let email = "new@ceramics.example";
        let forbidden = |error: &Error| matches!(error, Error::Forbidden(_));
        let raise = gatepost.change_role(&actor(&admin), &admin.id, "one", Role::Owner).await.unwrap_err();
        assert!(forbidden(&raise), "{raise}");
        let lower = gatepost.change_role(&actor(&admin), &ines.id, "one", Role::Member).await.unwrap_err();
        assert!(forbidden(&lower), "{lower}");
        let remove = gatepost.remove_member(&actor(&admin), &ines.id, "one").await.unwrap_err();
        assert!(forbidden(&remove), "{remove}");
        let invite = gatepost.invite(&actor(&admin), email, &one, Role::Owner).await.unwrap_err();
        assert!(forbidden(&invite), "{invite}");
        gatepost.invite(&actor(&admin), email, &one, Role::Admin).await.unwrap();
        gatepost.change_role(&actor(&admin), &member.id, "one", Role::Admin).await.unwrap();
        gatepost.change_role(&actor(&admin), &member.id, "one", Role::Member).await.unwrap();

        let absent = |error: Error| matches!(error, Error::Invalid { field: "workspaces", .. });
        let two = [String::from("two")];
        assert!(absent(gatepost.invite(&actor(&admin), email, &two, Role::Member).await.unwrap_err()));
        assert!(absent(gatepost.remove_member(&actor(&admin), &member.id, "two").await.unwrap_err()));
        assert!(absent(gatepost.remove_member(&actor(&member), &admin.id, "one").await.unwrap_err()));
        assert!(absent(gatepost.invite(&actor(&member), email, &one, Role::Member).await.unwrap_err()));

        let refused = gatepost.list_audit(Some(admin.id.clone()), Page::default()).await.unwrap();
        assert!(refused.iter().any(|entry| entry.action == "access.refuse"), "{refused:?}");
        for _ in 0..20 {
            let again = gatepost.change_role(&actor(&admin), &admin.id, "one", Role::Owner).await;
            assert!(forbidden(&again.unwrap_err()));
        }
        let all = gatepost.list_audit(None, Page::default()).await.unwrap();
        let refused = all.iter().filter(|entry| entry.action == "access.refuse").count();
        assert_eq!(refused, 5, "the trail cannot be filled");
    })
    .await;
}

#[tokio::test]
async fn a_workspace_keeps_an_owner_and_who_left_all_is_signed_out() {
    both(async |deployment| {
        deployment.workspace("one").await;
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        for change in [
            gatepost.change_role(&actor(&ines), &ines.id, "one", Role::Admin).await,
            gatepost.remove_member(&actor(&ines), &ines.id, "one").await,
        ] {
            assert!(matches!(&change, Err(Error::Conflict(text)) if text.contains("without an owner")));
        }
        let second = invited(&deployment, &ines, "tomasz", &["one"], Role::Owner).await;
        let session = gatepost.sign_in(HOME, &second.email, &plain(PASSWORD), None).await.unwrap();
        assert!(gatepost.visitor(HOME, session.token.expose()).await.unwrap().is_some());
        gatepost.remove_member(&actor(&ines), &second.id, "one").await.unwrap();
        assert!(gatepost.visitor(HOME, session.token.expose()).await.unwrap().is_none());
        assert!(reread(&deployment, &second.id).await.memberships.is_empty());
        assert!(gatepost.remove_member(&actor(&second), &ines.id, "one").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn two_owners_who_leave_at_once_leave_one() {
    both(async |deployment| {
        deployment.workspace("one").await;
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        let tomasz = invited(&deployment, &ines, "tomasz", &["one"], Role::Owner).await;
        let (by_ines, by_tomasz) = (actor(&ines), actor(&tomasz));
        let (one, other) = tokio::join!(
            gatepost.remove_member(&by_ines, &ines.id, "one"),
            gatepost.remove_member(&by_tomasz, &tomasz.id, "one"),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_works_once_for_one_email_until_it_ends() {
    both(async |deployment| {
        for name in ["one", "two"] {
            deployment.workspace(name).await;
        }
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        let one = [String::from("one")];
        let email = "Aiko@Ceramics.example";
        let (pending, token) = gatepost.invite(&actor(&ines), email, &one, Role::Admin).await.unwrap();
        assert_eq!(gatepost.invitations_seen_by(&ines).await.unwrap().len(), 1);
        let short = gatepost.accept_as_new(HOME, token.expose(), "Aiko", plain("short")).await;
        assert!(matches!(short, Err(Refusal::Failed(Error::Invalid { field: "password", .. }))));
        gatepost.withdraw_invitation(&actor(&ines), &pending.id).await.unwrap();
        assert!(gatepost.open_invitation(HOME, token.expose()).await.is_err());

        let aiko = invited(&deployment, &ines, "aiko", &["one"], Role::Admin).await;
        assert_eq!(aiko.email, "aiko@ceramics.example");
        let again = gatepost.invite(&actor(&ines), email, &one, Role::Member).await;
        assert!(matches!(again, Err(Error::Conflict(_))));

        // With the account that they have; nobody else, and rights that they have are not taken.
        let both = [String::from("one"), String::from("two")];
        let (_, token) = gatepost.invite(&actor(&ines), email, &both, Role::Member).await.unwrap();
        assert!(gatepost.open_invitation(HOME, token.expose()).await.unwrap().has_account);
        let twice = gatepost.accept_as_new(HOME, token.expose(), "Thief", plain(PASSWORD)).await;
        assert!(matches!(twice, Err(Refusal::Failed(Error::Conflict(_)))), "{twice:?}");
        let visitor = async |email: &str| {
            let session = gatepost.sign_in(HOME, email, &plain(PASSWORD), None).await.unwrap();
            gatepost.visitor(HOME, session.token.expose()).await.unwrap().unwrap()
        };
        let stranger = visitor(&ines.email).await;
        let foreign = gatepost.accept_as(&stranger, token.expose()).await;
        assert!(matches!(foreign, Err(Refusal::Failed(Error::Forbidden(_)))));
        let own = visitor(&aiko.email).await;
        gatepost.accept_as(&own, token.expose()).await.unwrap();
        let roles: Vec<_> =
            reread(&deployment, &aiko.id).await.memberships.iter().map(|held| held.role).collect();
        assert_eq!(roles, [Role::Admin, Role::Member]);
        assert!(gatepost.accept_as(&own, token.expose()).await.is_err(), "it works once");

        let (_, token) =
            gatepost.invite(&actor(&aiko), "c@ceramics.example", &one, Role::Admin).await.unwrap();
        gatepost.change_role(&actor(&ines), &aiko.id, "one", Role::Member).await.unwrap();
        let stale = gatepost.open_invitation(HOME, token.expose()).await;
        assert!(stale.is_err(), "who may not give a role any more does not");

        let (_, token) =
            gatepost.invite(&actor(&ines), "d@ceramics.example", &one, Role::Admin).await.unwrap();
        deployment.clock.advance(INVITATION_LIFETIME);
        assert!(gatepost.open_invitation(HOME, token.expose()).await.is_err());
        assert!(gatepost.invitations_seen_by(&ines).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn links_cannot_be_guessed_for_long() {
    let deployment = Deployment::new().await;
    deployment.workspace("one").await;
    let gatepost = &deployment.gatepost;
    let ines = owner(&deployment).await;
    let one = [String::from("one")];
    let (_, token) = gatepost.invite(&actor(&ines), "a@ceramics.example", &one, Role::Member).await.unwrap();
    for _ in 0..5 {
        assert!(matches!(gatepost.open_invitation(HOME, "guess").await, Err(Refusal::Failed(_))));
    }
    assert!(matches!(gatepost.open_invitation(HOME, token.expose()).await, Err(Refusal::Wait(_))));
    assert!(matches!(gatepost.open_password_link(HOME, "guess").await, Err(Refusal::Wait(_))));
    let elsewhere = IpAddr::from([198, 51, 100, 7]);
    assert!(gatepost.open_invitation(elsewhere, token.expose()).await.is_ok());
}

#[tokio::test]
async fn a_password_link_is_made_by_who_owns_all_that_it_opens() {
    both(async |deployment| {
        for name in ["one", "two"] {
            deployment.workspace(name).await;
        }
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        let half = invited(&deployment, &ines, "tomasz", &["one"], Role::Owner).await;
        let aiko = invited(&deployment, &ines, "aiko", &["one", "two"], Role::Member).await;
        let refused = gatepost.make_password_link(&actor(&half), &aiko.id).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        let nobody = gatepost.make_password_link(&actor(&aiko), &half.id).await;
        assert!(matches!(nobody, Err(Error::NotFound { .. })));

        let old = gatepost.sign_in(HOME, &aiko.email, &plain(PASSWORD), None).await.unwrap();
        let link = gatepost.make_password_link(&actor(&ines), &aiko.id).await.unwrap();
        let new = plain("glaze and cone ten");
        let short = gatepost.set_password_by_link(HOME, link.expose(), &plain("short")).await;
        assert!(short.is_err());
        gatepost.set_password_by_link(HOME, link.expose(), &new).await.unwrap();
        assert!(gatepost.visitor(HOME, old.token.expose()).await.unwrap().is_none());
        assert!(gatepost.sign_in(HOME, &aiko.email, &plain(PASSWORD), None).await.is_err());
        gatepost.sign_in(HOME, &aiko.email, &new, None).await.unwrap();
        assert!(gatepost.set_password_by_link(HOME, link.expose(), &new).await.is_err(), "it works once");

        let link = gatepost.make_password_link(&actor(&half), &half.id).await.unwrap();
        gatepost.change_role(&actor(&ines), &half.id, "one", Role::Admin).await.unwrap();
        assert!(gatepost.open_password_link(HOME, link.expose()).await.is_err(), "they own it no more");
        let link = gatepost.make_password_link(&actor(&ines), &aiko.id).await.unwrap();
        deployment.clock.advance(PASSWORD_LINK_LIFETIME);
        assert!(gatepost.open_password_link(HOME, link.expose()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn owners_rename_a_workspace_and_the_api_shows_it() {
    both(async |deployment| {
        let workspace = deployment.workspace("one").await;
        let gatepost = &deployment.gatepost;
        let ines = owner(&deployment).await;
        let admin = invited(&deployment, &ines, "tomasz", &["one"], Role::Admin).await;
        let refused = gatepost.rename_workspace(&actor(&admin), "one", "Mine", None).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        assert!(gatepost.rename_workspace(&actor(&ines), "one", " ", None).await.is_err());
        gatepost.rename_workspace(&actor(&ines), "one", "The Ceramic School", None).await.unwrap();
        assert_eq!(gatepost.list_workspaces().await.unwrap()[0].name, "The Ceramic School");
        let id = workspace.id.clone();
        let record = gatepost
            .store()
            .read(move |tx| gatepost_store::tables::records::lookup(tx, workspace.number, "business", &id));
        assert!(record.await.unwrap().unwrap().contains("\"name\":\"The Ceramic School\""));
    })
    .await;
}
