//! Logging in and out, and who and when.
//!
//! Source: SOAP API Developer Guide, `login()`, `logout()`, `getUserInfo()`, `getServerTimestamp()`; keys and their order as recorded at
//! v42.0.

use axum::response::Response;

use crate::{
    clock::utc_datetime,
    org::Org,
    soap::{Call, Fault, Interface, Xml},
    user::LoginError,
};

const INVALID: &str = "Invalid username, password, security token; or user locked out.";
const TOKEN_MISSING: &str = " Are you at a new location? When accessing Salesforce--either via a desktop client or the API--from outside of \
    your company’s trusted networks, you must add a security token to your password to log in. To get your new security token, log in to \
    Salesforce. From your personal settings, enter Reset My Security Token in the Quick Find box, then select Reset My Security Token.";

/// `login`
pub(super) fn login(org: &Org, call: &Call) -> Response {
    let given = |name: &str| call.operation.value(name).unwrap_or_default();
    let user = match org.log_in(given("username"), given("password")) {
        Ok(user) => user,
        Err(LoginError::Invalid) => return call.fault(Fault::new("INVALID_LOGIN", INVALID)),
        Err(LoginError::TokenMissing) => {
            let message = format!("{INVALID}{TOKEN_MISSING}");
            return call.fault(Fault::new("LOGIN_MUST_USE_SECURITY_TOKEN", message));
        }
    };
    let life = org.tuning.read().session.as_millis();
    let life = i64::try_from(life).unwrap_or(i64::MAX / 4);
    let expires = org.clock.now_ms() + life;
    let token = org
        .sessions
        .lock()
        .open(&org.org_id(), user.clone(), expires);
    let org_id = org.org_id();
    let org_id = org_id.get(..15).unwrap_or(&org_id);
    let letter = if call.interface == Interface::Enterprise {
        "c"
    } else {
        "u"
    };
    let (path, kind) = match letter {
        "c" => ("/services/Soap/c", "E"),
        _ => ("/services/Soap/u", "P"),
    };
    org.note_login(&user, path, kind);
    let url = |letter: &str| {
        format!(
            "{}/services/Soap/{letter}/{}/{org_id}",
            org.base_url(),
            call.version
        )
    };
    call.answer(|xml| {
        xml.within("result", |xml| {
            xml.leaf("metadataServerUrl", &url("m"));
            xml.plain("passwordExpired", false);
            xml.leaf("sandbox", &sandbox(org));
            xml.leaf("serverUrl", &url(letter));
            xml.leaf("sessionId", &token);
            xml.leaf("userId", &user);
            xml.within("userInfo", |xml| write_user_info(xml, org, &user));
        });
    })
}

/// `logout`: the session ends.
pub(super) fn logout(org: &Org, call: &Call) -> Response {
    org.sessions.lock().revoke(&call.session);
    call.answer(|_| ())
}

/// `getUserInfo`
pub(super) fn user_info(org: &Org, call: &Call) -> Response {
    call.answer(|xml| {
        xml.within("result", |xml| write_user_info(xml, org, &call.caller.user));
    })
}

/// `getServerTimestamp`
pub(super) fn server_timestamp(org: &Org, call: &Call) -> Response {
    let now = utc_datetime(org.clock.now_ms());
    call.answer(|xml| xml.within("result", |xml| xml.leaf("timestamp", &now)))
}

fn sandbox(org: &Org) -> String {
    let sandbox = org.organization_field("IsSandbox");
    if sandbox.is_empty() {
        "false".to_owned()
    } else {
        sandbox
    }
}

fn write_user_info(xml: &mut Xml, org: &Org, user: &str) {
    let field = |name: &str| org.user_field(user, name);
    let role = field("UserRoleId");
    xml.plain("accessibilityMode", false);
    xml.plain("chatterExternal", false);
    xml.leaf("currencySymbol", "$");
    xml.plain("orgAttachmentFileSizeLimit", 26_214_400);
    xml.leaf("orgDefaultCurrencyIsoCode", "USD");
    xml.leaf("orgDefaultCurrencyLocale", "en_US");
    xml.plain("orgDisallowHtmlAttachments", false);
    xml.plain("orgHasPersonAccounts", false);
    xml.leaf("organizationId", &org.org_id());
    xml.plain("organizationMultiCurrency", false);
    xml.leaf("organizationName", &org.organization_field("Name"));
    xml.leaf("profileId", &field("ProfileId"));
    xml.maybe(
        "roleId",
        Some(role.as_str()).filter(|role| !role.is_empty()),
    );
    xml.plain("sessionSecondsValid", org.tuning.read().session.as_secs());
    xml.nil("userDefaultCurrencyIsoCode");
    xml.leaf("userEmail", &field("Email"));
    xml.leaf("userFullName", &field("Name"));
    xml.leaf("userId", user);
    xml.leaf("userLanguage", &field("LanguageLocaleKey"));
    xml.leaf("userLocale", &field("LocaleSidKey"));
    xml.leaf("userName", &field("Username"));
    xml.leaf("userTimeZone", &field("TimeZoneSidKey"));
    xml.leaf("userType", "Standard");
    xml.leaf("userUiSkin", "Theme3");
}
