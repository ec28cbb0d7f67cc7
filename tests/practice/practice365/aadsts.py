# SPDX-License-Identifier: Apache-2.0
"""Entra ID's errors: number -> (status, error, text). m365.md A.6.

A text may hold {app}, {name}, {tenant}, {user}, {resource}, {scope},
{reason}. Any of them can be had on demand by a fault "AADSTS<number>".
"""

INVALID = "invalid_grant"
INTERACT = "interaction_required"
CLIENT = "invalid_client"
UNAUTH = "unauthorized_client"
REQUEST = "invalid_request"

ERRORS = {
    # The device code.
    70016: (400, "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. "
            "Continue polling."),
    70018: (400, "bad_verification_code",
            "Invalid verification code due to User typing in wrong user "
            "code for device code flow."),
    70019: (400, "expired_token",
            "Verification code expired. Have the user retry the sign-in."),
    65004: (400, "authorization_declined",
            "User declined to consent to access the app."),
    # The person.
    50034: (400, INVALID, "The user account {user} does not exist in the "
            "{tenant} directory. To sign into this application, the "
            "account must be added to the directory."),
    50020: (400, INVALID, "User account '{user}' from identity provider "
            "'live.com' does not exist in tenant '{tenant}'."),
    90072: (400, INVALID, "User account '{user}' from an external identity "
            "provider does not exist in tenant '{tenant}' and cannot "
            "access the application '{app}'."),
    50053: (400, INVALID, "The account is locked, you've tried to sign in "
            "too many times with an incorrect user ID or password."),
    50055: (400, INVALID, "The password is expired."),
    50144: (400, INVALID, "User's Active Directory password has expired."),
    50057: (400, INVALID, "The user account is disabled."),
    50126: (400, INVALID, "Error validating credentials due to invalid "
            "username or password."),
    50072: (400, INTERACT, "Due to a configuration change made by your "
            "administrator, or because you moved to a new location, you "
            "must enroll in multi-factor authentication to access "
            "'{resource}'."),
    50074: (400, INTERACT, "Strong Authentication is required."),
    50076: (400, INTERACT, "Due to a configuration change made by your "
            "administrator, or because you moved to a new location, you "
            "must use multi-factor authentication to access '{resource}'."),
    50078: (400, INTERACT, "Presented multi-factor authentication has "
            "expired due to policies configured by your administrator."),
    50079: (400, INTERACT, "Due to a configuration change made by your "
            "administrator, the user must enroll in multi-factor "
            "authentication."),
    50105: (400, INVALID, "Your administrator has configured the "
            "application {name} ('{app}') to block users unless they are "
            "specifically granted ('assigned') access to the application. "
            "The signed in user '{user}' is blocked because they are not a "
            "direct member of a group with access."),
    # The endpoint.
    50194: (400, REQUEST, "Application '{app}'({name}) is not configured "
            "as a multi-tenant application. Usage of the /common endpoint "
            "is not supported for such apps."),
    90124: (400, REQUEST, "Resource '{resource}' is not supported over the "
            "/common or /consumers endpoints. Please use the "
            "/organizations or tenant-specific endpoint."),
    90130: (400, REQUEST, "Application '{app}' ({name}) is not supported "
            "over the /common or /consumers endpoints. Please use the "
            "/organizations or tenant-specific endpoint."),
    9001023: (400, REQUEST, "The grant type is not supported over the "
              "/common or /consumers endpoints. Please use the "
              "/organizations or tenant-specific endpoint."),
    90002: (400, REQUEST, "Tenant '{tenant}' not found. Check to make sure "
            "you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, "
            "this may happen if there are no active subscriptions for the "
            "tenant."),
    90038: (400, REQUEST, "Tenant '{tenant}' request is being redirected "
            "to the National Cloud 'MicrosoftOnline.us'."),
    900432: (400, REQUEST, "Confidential Client is not supported in Cross "
             "Cloud request."),
    # The resource and the consent.
    500011: (400, "invalid_resource", "The resource principal named "
             "{resource} was not found in the tenant named {tenant}. This "
             "can happen if the application has not been installed by the "
             "administrator of the tenant or consented to by any user in "
             "the tenant."),
    50001: (400, "invalid_resource", "The resource principal named "
            "{resource} was not found in the tenant named {tenant}."),
    650052: (400, INVALID, "The app is trying to access a service "
             "'{resource}' that your organization '{tenant}' lacks a "
             "service principal for."),
    650056: (400, INVALID, "Misconfigured application. The client has not "
             "listed any permissions for '{resource}' in the requested "
             "permissions in the client's application registration."),
    650057: (400, "invalid_resource", "Invalid resource. The client has "
             "requested access to a resource which is not listed in the "
             "requested permissions in the client's application "
             "registration. Client app ID: {app}({name})."),
    65001: (400, INVALID, "The user or administrator has not consented to "
            "use the application with ID '{app}' named '{name}'. Send an "
            "interactive authorization request for this user and "
            "resource."),
    90094: (400, INVALID, "An administrator of {tenant} has set a policy "
            "that prevents you from granting {name} the permissions it is "
            "requesting."),
    90095: (400, INVALID, "Admin consent is required for the permissions "
            "requested by {name}."),
    65002: (400, INVALID, "Consent between first party application '{app}' "
            "and first party resource '{resource}' must be configured via "
            "preauthorization - applications owned and operated by "
            "Microsoft must get approval from the API owner before "
            "requesting tokens for that API."),
    # Conditional Access.
    53000: (400, INVALID, "Device is not in required device state."),
    53001: (400, INVALID, "Device is not in required device state. "
            "Conditional Access policy requires a domain joined device."),
    53002: (400, INVALID, "The app used isn't an approved app for "
            "Conditional Access."),
    53003: (400, INVALID, "Access has been blocked by Conditional Access "
            "policies. The access policy does not allow token issuance."),
    530032: (400, INVALID, "Access has been blocked by security policy."),
    530035: (400, INVALID, "Access has been blocked by security defaults."),
    50131: (400, INVALID, "Device is not in required device state, or the "
            "request was blocked due to suspicious activity, access "
            "policy, or security policy decisions."),
    # The refresh token.
    70000: (400, INVALID, "Provided grant is invalid or malformed."),
    70008: (400, INVALID, "The provided authorization code or refresh "
            "token has expired due to inactivity. Send a new interactive "
            "authorization request for this user and resource."),
    700082: (400, INVALID, "The refresh token has expired due to "
             "inactivity. The token was inactive for 90.00:00:00."),
    50173: (400, INVALID, "The provided grant has expired due to it being "
            "revoked, a fresh auth token is needed. The user might have "
            "changed or reset their password."),
    70043: (400, INVALID, "The refresh token has expired or is invalid due "
            "to sign-in frequency checks by conditional access."),
    50132: (400, INVALID, "The session is not valid due to password "
            "expiration or recent password change."),
    50133: (400, INVALID, "Session is invalid due to expiration or recent "
            "password change."),
    # The application.
    700016: (400, UNAUTH, "Application with identifier '{app}' was not "
             "found in the directory '{tenant}'. This can happen if the "
             "application has not been installed by the administrator of "
             "the tenant or consented to by any user in the tenant. You "
             "may have sent your authentication request to the wrong "
             "tenant."),
    70001: (400, UNAUTH, "The application named '{app}' was not found in "
            "the tenant named '{tenant}'."),
    700011: (400, UNAUTH, "Application with identifier '{app}' was not "
             "found in the directory '{tenant}'."),
    7000112: (400, UNAUTH, "Application '{app}'({name}) is disabled."),
    70003: (400, "unsupported_grant_type",
            "The app requested an unsupported grant type '{reason}'."),
    70011: (400, "invalid_scope", "The provided request must include a "
            "'scope' input parameter. The provided value for the input "
            "parameter 'scope' is not valid. The scope {scope} is not "
            "valid."),
    28002: (400, "invalid_scope", "Provided value for the input parameter "
            "scope '{scope}' is not valid when requesting an access token. "
            "It contains more than one resource."),
    700022: (400, "invalid_scope", "The provided value for the input "
             "parameter 'scope' is not valid because it contains more than "
             "one resource."),
    7000215: (401, CLIENT, "Invalid client secret provided. Ensure the "
              "secret being sent in the request is the client secret "
              "value, not the client secret ID, for a secret added to app "
              "'{app}'."),
    7000222: (401, CLIENT, "The provided client secret keys for app '{app}' "
              "are expired. Visit the Azure portal to create new keys for "
              "your app."),
    700027: (401, CLIENT, "The certificate with identifier used to sign the "
             "client assertion is not registered on application, or the "
             "signature is invalid. [Reason - {reason}]"),
    50012: (401, CLIENT, "Authentication failed: the client assertion is "
            "invalid. [Reason - {reason}]"),
    500133: (401, CLIENT, "Assertion is not within its valid time range. "
             "Ensure that the access token is not expired before using it "
             "for user assertion, or request a new token. [Reason - "
             "{reason}]"),
    50013: (401, CLIENT, "Assertion failed signature validation. [Reason - "
            "{reason}]"),
    700025: (401, CLIENT, "Client is public so neither 'client_assertion' "
             "nor 'client_secret' should be presented."),
    7000218: (401, CLIENT, "The request body must contain the following "
              "parameter: 'client_assertion' or 'client_secret'."),
    900144: (400, REQUEST, "The request body must contain the following "
             "parameter: '{reason}'."),
    # The service.
    50196: (400, INVALID, "The server terminated an operation because it "
            "encountered a loop while processing a request."),
    50033: (500, "temporarily_unavailable", "A transient error has "
            "occurred. Please try again."),
    90024: (503, "temporarily_unavailable", "RequestBudgetExceededError - "
            "A transient error has occurred. Please try again."),
    90055: (429, "temporarily_unavailable", "TenantThrottlingError - There "
            "are too many incoming requests."),
}

SUBERRORS = {65001: "consent_required", 50076: "basic_action",
             50079: "basic_action", 53003: "message_only",
             700082: "token_expired", 50173: "bad_token"}
