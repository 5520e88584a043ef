//! The first user and signing in.

use std::net::IpAddr;
use std::time::Duration;

use gatepost_core::people::{NewUser, SET_UP_LINK_LIFETIME};
use gatepost_core::sessions::{FRESH, IDLE, LONGEST, Refusal, SECOND_STEP};
use gatepost_core::{Actor, Error, Page};
use gatepost_keys::Plain;
use gatepost_model::{Role, User};

use crate::support::Deployment;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9));
const PASSWORD: &str = "wheel and kiln";

fn plain(text: &str) -> Plain {
    Plain::new(text.to_owned())
}

fn ines() -> NewUser {
    NewUser {
        name: String::from("Ines Ferreira"),
        email: String::from(" Ines@Ceramics.example "),
        password: plain(PASSWORD),
    }
}

async fn owner(deployment: &Deployment) -> User {
    let token = deployment.gatepost.prepare_set_up().await.unwrap().unwrap();
    deployment.gatepost.set_up(HOME, token.expose(), ines()).await.unwrap()
}

async fn signed_in(deployment: &Deployment) -> String {
    let signed_in = deployment.gatepost.sign_in(HOME, "ines@ceramics.example", &plain(PASSWORD), None).await;
    signed_in.unwrap().token.expose().to_owned()
}

async fn is_in(deployment: &Deployment, token: &str) -> bool {
    deployment.gatepost.visitor(HOME, token).await.unwrap().is_some()
}

async fn actions(deployment: &Deployment) -> Vec<String> {
    let entries = deployment.gatepost.list_audit(None, Page::default()).await.unwrap();
    entries.into_iter().map(|entry| format!("{} {}", entry.actor, entry.action)).collect()
}

/// The code that an authenticator shows: RFC 6238, written a second time so that one checks the other.
fn code(secret: &str, seconds: i64) -> String {
    use aws_lc_rs::hmac;
    let mut key = Vec::new();
    let (mut held, mut bits) = (0u64, 0);
    for byte in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == byte).unwrap();
        held = (held << 5) | value as u64;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &(seconds / 30).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

#[tokio::test]
async fn the_set_up_link_works_once_and_for_a_day() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    deployment.workspace("the-ceramic-school").await;
    let first = gatepost.prepare_set_up().await.unwrap().unwrap();
    let second = gatepost.prepare_set_up().await.unwrap().unwrap();
    assert!(!gatepost.is_set_up_open(first.expose()).await.unwrap(), "a new link ends the one before");
    assert!(!gatepost.is_set_up_open("").await.unwrap());
    deployment.clock.advance(SET_UP_LINK_LIFETIME);
    assert!(matches!(gatepost.set_up(HOME, second.expose(), ines()).await, Err(Error::NotFound { .. })));

    let third = gatepost.prepare_set_up().await.unwrap().unwrap();
    let bad = NewUser { password: plain("short"), ..ines() };
    assert!(matches!(gatepost.set_up(HOME, third.expose(), bad).await, Err(Error::Invalid { .. })));
    let user = gatepost.set_up(HOME, third.expose(), ines()).await.unwrap();
    assert_eq!((user.email.as_str(), user.name.as_str()), ("ines@ceramics.example", "Ines Ferreira"));
    assert_eq!(user.memberships.len(), 1, "whoever sets up owns what the command line made");
    assert_eq!(user.memberships[0].role, Role::Owner);

    assert!(gatepost.set_up(HOME, third.expose(), ines()).await.is_err());
    assert!(gatepost.prepare_set_up().await.unwrap().is_none(), "there is a user now");
    assert!(actions(&deployment).await.contains(&format!("user:{} user.set-up", user.id)));
}

#[tokio::test]
async fn workspaces_get_an_owner_as_they_are_made() {
    let deployment = Deployment::new().await;
    let user = owner(&deployment).await;
    deployment.workspace("made-on-the-command-line").await;
    let actor = Actor::User(user.id.clone(), HOME);
    deployment.gatepost.create_workspace(&actor, "made-on-a-page", "Page").await.unwrap();
    let token = signed_in(&deployment).await;
    let visitor = deployment.gatepost.visitor(HOME, &token).await.unwrap().unwrap();
    assert_eq!(visitor.user.administered().count(), 2);
}

#[tokio::test]
async fn every_sign_in_makes_a_session_of_its_own_and_ends_the_planted_one() {
    let deployment = Deployment::new().await;
    owner(&deployment).await;
    let planted = signed_in(&deployment).await;
    let other = signed_in(&deployment).await;
    assert_ne!(planted, other);
    let mine = deployment
        .gatepost
        .sign_in(HOME, "INES@ceramics.example", &plain(PASSWORD), Some(&planted))
        .await
        .unwrap();
    assert!(!mine.needs_second_factor);
    assert!(!is_in(&deployment, &planted).await);
    assert!(is_in(&deployment, &other).await && is_in(&deployment, mine.token.expose()).await);
    assert!(!is_in(&deployment, "made up").await);
}

#[tokio::test]
async fn sessions_end_when_idle_and_after_a_day_of_work() {
    let deployment = Deployment::new().await;
    owner(&deployment).await;
    let token = signed_in(&deployment).await;
    deployment.clock.advance(IDLE - Duration::from_secs(1));
    assert!(is_in(&deployment, &token).await, "used in time");
    deployment.clock.advance(IDLE - Duration::from_secs(1));
    assert!(is_in(&deployment, &token).await, "the use was written down");
    deployment.clock.advance(IDLE);
    assert!(!is_in(&deployment, &token).await);

    let token = signed_in(&deployment).await;
    let step = IDLE - Duration::from_secs(60);
    let steps = u32::try_from(LONGEST.as_secs() / step.as_secs()).unwrap();
    for _ in 0..steps {
        deployment.clock.advance(step);
        assert!(is_in(&deployment, &token).await);
    }
    deployment.clock.advance(step);
    assert!(!is_in(&deployment, &token).await, "used or not");
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let deployment = Deployment::new().await;
    owner(&deployment).await;
    let tokens = [signed_in(&deployment).await, signed_in(&deployment).await, signed_in(&deployment).await];
    deployment.gatepost.sign_out(&tokens[0]).await.unwrap();
    assert!(!is_in(&deployment, &tokens[0]).await && is_in(&deployment, &tokens[1]).await);
    let visitor = deployment.gatepost.visitor(HOME, &tokens[1]).await.unwrap().unwrap();
    deployment.gatepost.sign_out_everywhere(&visitor.actor(), &visitor.user.id).await.unwrap();
    assert!(!is_in(&deployment, &tokens[1]).await && !is_in(&deployment, &tokens[2]).await);
}

#[tokio::test]
async fn wrong_passwords_are_counted_by_address_and_lock_nobody_out() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    let user = owner(&deployment).await;
    for (email, subject) in
        [("ines@ceramics.example", user.id.as_str()), ("nobody@x.example", "nobody@x.example")]
    {
        for expected in (0..5).rev() {
            match gatepost.sign_in(ELSEWHERE, email, &plain("wrong and wrong"), None).await {
                Err(Refusal::Wrong { left }) => assert_eq!(left, expected),
                other => panic!("{other:?}"),
            }
        }
        match gatepost.sign_in(ELSEWHERE, email, &plain(PASSWORD), None).await {
            Err(Refusal::Wait(wait)) => assert_eq!(wait, Duration::from_secs(15 * 60)),
            other => panic!("the right password is not looked at either: {other:?}"),
        }
        let burst = gatepost.list_audit(Some(subject.to_owned()), Page::default()).await.unwrap();
        let burst: Vec<_> = burst.iter().filter(|entry| entry.action == "user.sign-in-failures").collect();
        assert_eq!(burst.len(), 1, "one entry for the burst");
        assert_eq!(burst[0].address.as_deref(), Some("198.51.100.9"));
    }
    signed_in(&deployment).await;
    deployment.clock.advance(Duration::from_secs(15 * 60));
    gatepost.sign_in(ELSEWHERE, "ines@ceramics.example", &plain(PASSWORD), None).await.unwrap();
}

#[tokio::test]
async fn secrets_ask_for_the_password_again_after_ten_minutes() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    owner(&deployment).await;
    let token = signed_in(&deployment).await;
    let visitor = async || gatepost.visitor(HOME, &token).await.unwrap().unwrap();
    assert!(visitor().await.is_fresh);
    deployment.clock.advance(FRESH);
    assert!(!visitor().await.is_fresh);
    let wrong = gatepost.check_password(&visitor().await, &plain("wrong and wrong")).await;
    assert!(matches!(wrong, Err(Refusal::Wrong { left: 4 })), "{wrong:?}");
    assert!(!visitor().await.is_fresh);
    gatepost.check_password(&visitor().await, &plain(PASSWORD)).await.unwrap();
    assert!(visitor().await.is_fresh);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_is_taken_twice() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    let user = owner(&deployment).await;
    let actor = Actor::User(user.id.clone(), HOME);
    let enrolment = gatepost.enrol_second_factor(&user).await.unwrap();
    signed_in(&deployment).await;
    let now = || gatepost.now().seconds();
    let secret = enrolment.secret.expose();
    assert!(gatepost.confirm_second_factor(&actor, &user, "000000").await.is_err());
    let codes = gatepost.confirm_second_factor(&actor, &user, &code(secret, now())).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(matches!(gatepost.enrol_second_factor(&user).await, Err(Error::Conflict(_))));

    let half = async || {
        let half = gatepost.sign_in(HOME, &user.email, &plain(PASSWORD), None).await.unwrap();
        assert!(half.needs_second_factor);
        half.token.expose().to_owned()
    };
    let token = half().await;
    assert!(!is_in(&deployment, &token).await, "the password alone opens nothing");
    let replayed = gatepost.show_second_factor(HOME, &token, &code(secret, now())).await;
    assert!(matches!(replayed, Err(Refusal::Wrong { left: 4 })), "it was taken to confirm: {replayed:?}");
    deployment.clock.advance(Duration::from_secs(30));
    let done = gatepost.show_second_factor(HOME, &token, &code(secret, now())).await.unwrap();
    assert!(is_in(&deployment, done.token.expose()).await);
    assert!(!is_in(&deployment, &token).await);
    assert!(gatepost.show_second_factor(HOME, &token, &code(secret, now())).await.is_err());

    let recovery = codes[3].expose().to_uppercase();
    let (first, second) = (half().await, half().await);
    gatepost.show_second_factor(HOME, &first, &recovery).await.unwrap();
    assert!(
        gatepost.show_second_factor(HOME, &second, &recovery).await.is_err(),
        "a recovery code works once"
    );
    deployment.clock.advance(SECOND_STEP);
    let late = gatepost.show_second_factor(HOME, &second, codes[4].expose()).await;
    assert!(matches!(late, Err(Refusal::NotBegun)), "{late:?}");

    gatepost.remove_second_factor(&actor, &user).await.unwrap();
    signed_in(&deployment).await;
}

#[tokio::test]
async fn codes_cannot_be_guessed_by_giving_the_password_again() {
    let deployment = Deployment::new().await;
    let gatepost = &deployment.gatepost;
    let user = owner(&deployment).await;
    let actor = Actor::User(user.id.clone(), HOME);
    let enrolment = gatepost.enrol_second_factor(&user).await.unwrap();
    let now = code(enrolment.secret.expose(), gatepost.now().seconds());
    gatepost.confirm_second_factor(&actor, &user, &now).await.unwrap();
    let mut waits = 0;
    for _ in 0..8 {
        let half = gatepost.sign_in(ELSEWHERE, &user.email, &plain(PASSWORD), None).await.unwrap();
        let tried = gatepost.show_second_factor(ELSEWHERE, half.token.expose(), "123456").await;
        waits += usize::from(matches!(tried, Err(Refusal::Wait(_))));
    }
    assert_eq!(waits, 3);
}
