/* SPDX-License-Identifier: Apache-2.0 */
/* setup_script.c - what an administrator runs once, as PowerShell. */
#include <string.h>

#include "cli/setup_script.h"

/* {T} tenant, {A} a mailbox, {M} and {X} what Microsoft's modules call the
 * cloud, {C} the option that names it to us. */
static const char *const script[] = {
	"# Makes the registration that mailhaul signs in as at {T}.",
	"#",
	"# Run it once in PowerShell 7, on any computer, as an administrator "
	"of {T}",
	"# (Global Administrator; or Privileged Role Administrator and "
	"Exchange",
	"# Administrator together):",
	"#",
	"#   pwsh -File setup.ps1",
	"#",
	"# It may be run again, such as for more mailboxes: it then makes the "
	"same",
	"# registration what this file says, and certificates that it had are "
	"replaced.",
	"# It uses Microsoft's own modules Microsoft.Graph and "
	"ExchangeOnlineManagement",
	"# and changes nothing but what its comments say. The last lines say "
	"how to take",
	"# it all back.",
	"",
	"$ErrorActionPreference = 'Stop'",
	"",
	"# ---- What to fill in ----------------------------------------------"
	"----------",
	"$Tenant    = '{T}'",
	"$Name      = 'mailhaul'",
	"# The mailboxes that mail is moved into (for IMAP), one in each line. "
	"Or read",
	"# them from a file: $Mailboxes = Get-Content mailboxes.txt",
	"$Mailboxes = @(",
	"    '{A}'",
	")",
	"# How mailhaul proves that it is this registration:",
	"#   certificate   best. Make one first, where mailhaul runs:",
	"#                   openssl req -x509 -newkey rsa:3072 -nodes -days "
	"365 \\",
	"#                     -subj /CN=mailhaul -keyout key.pem -out "
	"cert.pem",
	"#                   (umask 077; cat key.pem cert.pem > mailhaul.pem) "
	"&& rm key.pem",
	"#                 and put cert.pem (never mailhaul.pem) into the "
	"folder in which",
	"#                 you run this script.",
	"#   secret        a long password; it is written to secret.txt. Each "
	"run makes",
	"#                 another one.",
	"#   none          no proof: people sign in themselves with a code, "
	"each for",
	"#                 their own mailbox.",
	"$Proof     = 'certificate'",
	"if ($Proof -eq 'certificate' -and -not (Test-Path 'cert.pem')) {",
	"    throw 'There is no cert.pem in this folder. The comment above "
	"says how to make it.'",
	"}",
	"",
	"# ---- Microsoft's modules ------------------------------------------"
	"----------",
	"$Modules = 'Microsoft.Graph.Authentication', "
	"'Microsoft.Graph.Applications',",
	"           'Microsoft.Graph.Identity.SignIns', "
	"'ExchangeOnlineManagement'",
	"foreach ($Module in $Modules) {",
	"    if (-not (Get-Module -ListAvailable $Module)) {",
	"        Install-Module $Module -Scope CurrentUser",
	"    }",
	"}",
	"Connect-MgGraph -TenantId $Tenant -Environment {M} -NoWelcome -Scopes "
	"@(",
	"    'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All',",
	"    'DelegatedPermissionGrant.ReadWrite.All')",
	"",
	"# ---- The rights ---------------------------------------------------"
	"----------",
	"# The two services, by the ids that they have in every tenant.",
	"$Graph = Get-MgServicePrincipal -Filter \"appId eq "
	"'00000003-0000-0000-c000-000000000000'\"",
	"$Exchange = Get-MgServicePrincipal -Filter \"appId eq "
	"'00000002-0000-0ff1-ce00-000000000000'\"",
	"if (-not $Graph -or -not $Exchange) {",
	"    throw \"$Tenant has no Exchange Online yet: it needs a licence "
	"with mailboxes.\"",
	"}",
	"# Application permissions: mailhaul signs in by itself, for all "
	"mailboxes.",
	"$Roles = @(",
	"    @{ Api = $Exchange; Value = 'IMAP.AccessAsApp' }         # mail, "
	"octet for octet",
	"    @{ Api = $Graph;    Value = 'Mail.ReadWrite' }           # mail "
	"and folders",
	"    @{ Api = $Graph;    Value = 'MailboxSettings.Read' }     # check: "
	"language, kind",
	"    @{ Api = $Graph;    Value = 'User.Read.All' }            # check: "
	"user, licence",
	"    @{ Api = $Graph;    Value = 'Organization.Read.All' }    # check: "
	"tenant",
	"    @{ Api = $Graph;    Value = 'Domain.Read.All' }          # check: "
	"domain",
	"    @{ Api = $Graph;    Value = 'Reports.Read.All' }         # check: "
	"size and quota",
	"    @{ Api = $Graph;    Value = 'Mail-Advanced.ReadWrite.All' } # "
	"mail with its own",
	"                                        # dates; left out where it is "
	"not known",
	")",
	"# Delegated permissions: a person signs in with a code, for one "
	"mailbox.",
	"$Scopes = @(",
	"    @{ Api = $Exchange; Value = 'IMAP.AccessAsUser.All' }",
	"    @{ Api = $Graph;    Value = 'Mail.ReadWrite' }",
	"    @{ Api = $Graph;    Value = 'MailboxSettings.Read' }",
	"    @{ Api = $Graph;    Value = 'User.Read' }",
	")",
	"if ($Proof -eq 'none') { $Roles = @() }",
	"",
	"# Looked up by name, because the service says which id a right has.",
	"foreach ($Right in $Roles) {",
	"    $Right.Id = ($Right.Api.AppRoles | Where-Object {",
	"        $_.Value -eq $Right.Value -and $_.AllowedMemberTypes "
	"-contains 'Application'",
	"    }).Id",
	"}",
	"foreach ($Right in $Scopes) {",
	"    $Right.Id = ($Right.Api.Oauth2PermissionScopes |",
	"        Where-Object Value -EQ $Right.Value).Id",
	"}",
	"foreach ($Right in $Roles + $Scopes) {",
	"    if (-not $Right.Id) { Write-Warning \"$Tenant does not know "
	"$($Right.Value): left out.\" }",
	"}",
	"$Roles  = @($Roles  | Where-Object { $_.Id })",
	"$Scopes = @($Scopes | Where-Object { $_.Id })",
	"$Needed = foreach ($Api in $Graph, $Exchange) {",
	"    @{",
	"        ResourceAppId  = $Api.AppId",
	"        ResourceAccess = @(",
	"            $Roles  | Where-Object { $_.Api.Id -eq $Api.Id } |",
	"                ForEach-Object { @{ Id = $_.Id; Type = 'Role' } }",
	"            $Scopes | Where-Object { $_.Api.Id -eq $Api.Id } |",
	"                ForEach-Object { @{ Id = $_.Id; Type = 'Scope' } }",
	"        )",
	"    }",
	"}",
	"",
	"# ---- The registration ---------------------------------------------"
	"----------",
	"# 'Public client' lets people sign in with a code.",
	"$App = Get-MgApplication -Filter \"displayName eq '$Name'\" | "
	"Select-Object -First 1",
	"if (-not $App) {",
	"    $App = New-MgApplication -DisplayName $Name -SignInAudience "
	"'AzureADMyOrg' `",
	"        -IsFallbackPublicClient",
	"}",
	"# What is new needs some seconds until every part of the directory "
	"knows it.",
	"function Wait-Until([scriptblock]$Do) {",
	"    for ($Try = 1; ; $Try++) {",
	"        try { return & $Do }",
	"        catch { if ($Try -ge 10) { throw }; Start-Sleep -Seconds 5 }",
	"    }",
	"}",
	"Wait-Until {",
	"    Update-MgApplication -ApplicationId $App.Id "
	"-IsFallbackPublicClient `",
	"        -RequiredResourceAccess $Needed",
	"}",
	"",
	"# Its other half, which carries the rights: the enterprise "
	"application.",
	"$Principal = Get-MgServicePrincipal -Filter \"appId eq "
	"'$($App.AppId)'\"",
	"if (-not $Principal) {",
	"    $Principal = Wait-Until { New-MgServicePrincipal -AppId "
	"$App.AppId }",
	"}",
	"",
	"# ---- The proof ----------------------------------------------------"
	"----------",
	"$Proven = ''",
	"if ($Proof -eq 'certificate') {",
	"    $File = (Resolve-Path 'cert.pem').Path",
	"    $Certificate = "
	"[Security.Cryptography.X509Certificates.X509Certificate2]::new($File)",
	"    Update-MgApplication -ApplicationId $App.Id -KeyCredentials @(@{",
	"        Type = 'AsymmetricX509Cert'; Usage = 'Verify'; DisplayName = "
	"$Name",
	"        Key  = $Certificate.RawData",
	"    })",
	"    $Proven = '--client-certificate mailhaul.pem'",
	"}",
	"elseif ($Proof -eq 'secret') {",
	"    $Secret = Add-MgApplicationPassword -ApplicationId $App.Id "
	"-PasswordCredential @{",
	"        DisplayName = $Name; EndDateTime = (Get-Date).AddMonths(6)",
	"    }",
	"    # Microsoft shows it this once. The file is for you alone.",
	"    New-Item -Path 'secret.txt' -ItemType File -Force | Out-Null",
	"    if (-not $IsWindows) { chmod 600 secret.txt }",
	"    Set-Content -Path 'secret.txt' -Value $Secret.SecretText",
	"    $Proven = '--client-secret-file secret.txt'",
	"}",
	"",
	"# ---- Consent, for the whole organisation --------------------------"
	"----------",
	"$Given = Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId "
	"$Principal.Id -All",
	"foreach ($Right in $Roles) {",
	"    if ($Given.AppRoleId -contains $Right.Id) { continue }",
	"    Wait-Until {",
	"        New-MgServicePrincipalAppRoleAssignedTo -ServicePrincipalId "
	"$Right.Api.Id `",
	"            -PrincipalId $Principal.Id -ResourceId $Right.Api.Id `",
	"            -AppRoleId $Right.Id | Out-Null",
	"    }",
	"}",
	"foreach ($Api in $Graph, $Exchange) {",
	"    $Words = ($Scopes | Where-Object { $_.Api.Id -eq $Api.Id }).Value "
	"-join ' '",
	"    if (-not $Words) { continue }",
	"    $Old = Get-MgOauth2PermissionGrant -All -Filter \"clientId eq "
	"'$($Principal.Id)'\" |",
	"        Where-Object { $_.ResourceId -eq $Api.Id -and $_.ConsentType "
	"-eq 'AllPrincipals' }",
	"    if ($Old) {",
	"        Update-MgOauth2PermissionGrant -OAuth2PermissionGrantId "
	"$Old.Id -Scope $Words",
	"    }",
	"    else {",
	"        New-MgOauth2PermissionGrant -ClientId $Principal.Id "
	"-ConsentType 'AllPrincipals' `",
	"            -ResourceId $Api.Id -Scope $Words | Out-Null",
	"    }",
	"}",
	"",
	"# ---- The mailboxes, for IMAP --------------------------------------"
	"----------",
	"# Exchange must know the registration, by the object id of the "
	"ENTERPRISE",
	"# application ($Principal.Id), not by that of the registration "
	"($App.Id); and",
	"# each mailbox must let it in. Without this, Graph works and IMAP "
	"says",
	"# 'User is authenticated but not connected'.",
	"if ($Proof -ne 'none') {",
	"    Connect-ExchangeOnline -ExchangeEnvironmentName {X} "
	"-ShowBanner:$false",
	"    if (-not (Get-ServicePrincipal | Where-Object AppId -EQ "
	"$App.AppId)) {",
	"        # Modules before 3.0 call the parameter -ServiceId.",
	"        New-ServicePrincipal -AppId $App.AppId -ObjectId "
	"$Principal.Id `",
	"            -DisplayName $Name | Out-Null",
	"    }",
	"    foreach ($Mailbox in $Mailboxes) {",
	"        try {",
	"            Add-MailboxPermission -Identity $Mailbox -User "
	"$Principal.Id `",
	"                -AccessRights FullAccess -ErrorAction Stop | "
	"Out-Null",
	"            # IMAP may be switched off for a mailbox.",
	"            Set-CASMailbox -Identity $Mailbox -ImapEnabled $true "
	"-ErrorAction Stop",
	"        }",
	"        catch { Write-Warning \"$($Mailbox), left out: $_\" }",
	"    }",
	"    Disconnect-ExchangeOnline -Confirm:$false",
	"}",
	"",
	"Write-Host ''",
	"Write-Host 'Done. A new right can take up to two hours to arrive. "
	"Then try it:'",
	"Write-Host \"  mailhaul login $Tenant{C} --client-id $($App.AppId) "
	"$Proven\"",
	"",
	"# ---- To take it all back, when every mailbox is moved -------------"
	"----------",
	"#   foreach ($Mailbox in $Mailboxes) {",
	"#       Remove-MailboxPermission -Identity $Mailbox -User "
	"$Principal.Id `",
	"#           -AccessRights FullAccess -Confirm:$false",
	"#   }",
	"#   Remove-ServicePrincipal -Identity $Principal.Id "
	"-Confirm:$false   # in Exchange",
	"#   Remove-MgApplication -ApplicationId $App.Id   # registration and "
	"rights",
	NULL
};

struct cloud_words {
	const char *name, *graph, *exchange, *option;
};
static const struct cloud_words clouds[] = {
	{ "global", "Global", "O365Default", "" },
	{ "usgov", "USGov", "O365USGovGCCHigh", " --cloud usgov" },
	{ "dod", "USGovDoD", "O365USGovDoD", " --cloud dod" },
	{ "china", "China", "O365China", " --cloud china" },
};

static const struct cloud_words *words_of(const char *cloud)
{
	for (size_t i = 1; i < sizeof(clouds) / sizeof(clouds[0]); i++)
		if (strcmp(clouds[i].name, cloud) == 0)
			return &clouds[i];
	return &clouds[0];
}

static int add_token(struct buf *b, char token, const struct setup *s)
{
	const struct cloud_words *w = words_of(s->cloud);

	switch (token) {
	case 'T':
		return buf_str(b, s->tenant);
	case 'A':
		if (s->account != NULL)
			return buf_str(b, s->account);
		return buf_fmt(b, "ann@%s", s->tenant);
	case 'M':
		return buf_str(b, w->graph);
	case 'X':
		return buf_str(b, w->exchange);
	case 'C':
		return buf_str(b, w->option);
	default:
		return -1;
	}
}

static bool is_token(const char *at)
{
	return at[0] == '{' && at[1] != '\0' && strchr("TAMXC", at[1]) &&
	       at[2] == '}';
}

static int add_line(struct buf *b, const char *line, const struct setup *s)
{
	for (; *line != '\0'; line++) {
		if (!is_token(line)) {
			if (buf_chr(b, *line) != 0)
				return -1;
			continue;
		}
		if (add_token(b, line[1], s) != 0)
			return -1;
		line += 2;
	}
	return buf_chr(b, '\n');
}

int setup_script(struct buf *b, const struct setup *s)
{
	for (size_t i = 0; script[i] != NULL; i++)
		if (add_line(b, script[i], s) != 0)
			return -1;
	return 0;
}
