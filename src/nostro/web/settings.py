"""Django settings of both halves. Everything an operator may change comes from the environment.

The list of environment variables is in docs/operator/settings.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import django.forms

from nostro.web.database import data_directory, database_url, parse_database_url
from nostro.web.secret_key import secret_key

PACKAGE = Path(__file__).resolve().parents[1]
DATA_DIRECTORY = data_directory()


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


DEBUG = False
SECRET_KEY = secret_key(DATA_DIRECTORY)
PUBLIC_URLS = [
    url.rstrip("/") for url in os.environ.get("NOSTRO_PUBLIC_URLS", "http://127.0.0.1:8080").split(",") if url
]
PUBLIC_URL = PUBLIC_URLS[0]
BEHIND_TLS = PUBLIC_URL.startswith("https://")
# Any host may be named by a request; links are built from PUBLIC_URLS only (hub-api.md 2.7).
ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = PUBLIC_URLS

# The sandbox bank: on by default for demonstrations and tests, off in production.
SANDBOX_BANK_URL = os.environ.get("NOSTRO_SANDBOX_BANK_URL", "http://127.0.0.1:8091")
#: What the sandbox resources of the API drive the bank with; they answer 503 without it.
SANDBOX_CONTROL_TOKEN = os.environ.get("NOSTRO_SANDBOX_CONTROL_TOKEN", "")
SANDBOX_ENABLED = _flag("NOSTRO_SANDBOX", True)
# Addresses on this machine that outgoing requests may reach although they are private (DESIGN.md, http/).
OUTGOING_ALLOW_PRIVATE = _flag("NOSTRO_OUTGOING_ALLOW_PRIVATE", False)
OUTGOING_ALLOW_LOOPBACK = _flag("NOSTRO_OUTGOING_ALLOW_LOOPBACK", not BEHIND_TLS)
# The certificates by which banks know the operator as a licensed third party: files, PEM (docs/operator/banks.md).
TPP_CERTIFICATE = os.environ.get("NOSTRO_TPP_CERTIFICATE", "")
TPP_KEY = os.environ.get("NOSTRO_TPP_KEY", "")
TPP_SIGNING_CERTIFICATE = os.environ.get("NOSTRO_TPP_SIGNING_CERTIFICATE", "")
TPP_SIGNING_KEY = os.environ.get("NOSTRO_TPP_SIGNING_KEY", "")
TPP_KEY_PASSWORD = os.environ.get("NOSTRO_TPP_KEY_PASSWORD", "")
# The address Books proposes for a new connection: the Hub of the same installation.
DEFAULT_HUB_URL = os.environ.get("NOSTRO_DEFAULT_HUB_URL", PUBLIC_URL)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "oauth2_provider",
    "procrastinate.contrib.django",
    "nostro.people",
    "nostro.web",
    "nostro.hub.organizations",
    "nostro.hub.directory",
    "nostro.hub.linking",
    "nostro.hub.accounts",
    "nostro.hub.sync",
    "nostro.hub.files",
    "nostro.hub.payments",
    "nostro.hub.integrations",
    "nostro.hub.events",
    "nostro.hub.webhooks",
    "nostro.hub.vendors",
    "nostro.hub.mandates",
    "nostro.hub.billing",
    "nostro.hub.api",
    "nostro.hub.pages",
    "nostro.books.companies",
    "nostro.books.links",
    "nostro.books.ledger",
    "nostro.books.journals",
    "nostro.books.reconcile",
    "nostro.books.files",
    "nostro.books.reminders",
    "nostro.books.api",
    "nostro.books.destinations",
    "nostro.books.pages",
]

MIDDLEWARE = [
    "nostro.web.middleware.correlation_id",
    "nostro.web.middleware.request_log",
    "nostro.web.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "nostro.people.middleware.language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "nostro.web.problems.ProblemMiddleware",
]

ROOT_URLCONF = "nostro.web.urls"
WSGI_APPLICATION = "nostro.web.wsgi.application"
DATABASES = {"default": parse_database_url(database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "people.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Ours come before those of the applications, so that allauth's pages wear our look; Django's widgets last.
        "DIRS": [
            PACKAGE / "web" / "templates",
            PACKAGE / "people" / "templates",
            Path(django.forms.__file__).parent / "templates",
        ],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "nostro.web.context.page",
            ],
        },
    }
]
FORM_RENDERER = "nostro.web.forms.Renderer"

# --- people -------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "nostro.people.forms.SignUpForm"
ACCOUNT_ADAPTER = "nostro.people.adapter.AccountAdapter"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "confirm_email": "3/3m/key",
    "reset_password": "20/m/ip,5/m/key",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Nostro"
MFA_PASSKEY_LOGIN_ENABLED = True
# Browsers allow passkeys on plain http for localhost only; allauth asks to be told.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not BEHIND_TLS
EMAIL_BACKEND = os.environ.get("NOSTRO_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = os.environ.get("NOSTRO_EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("NOSTRO_EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("NOSTRO_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("NOSTRO_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = _flag("NOSTRO_EMAIL_TLS", False)
EMAIL_TIMEOUT = 15
EMAIL_FILE_PATH = os.environ.get("NOSTRO_EMAIL_DIRECTORY", str(DATA_DIRECTORY / "mail"))
DEFAULT_FROM_EMAIL = os.environ.get("NOSTRO_EMAIL_FROM", "Nostro <nostro@localhost>")

# --- OAuth2 server (DESIGN.md section 3) --------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "integrations.Integration"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "ai": "Account information",
        "pi": "Payment initiation",
        "name": "Organization names",
        "offline_access": "Refresh tokens",
    },
    "DEFAULT_SCOPES": ["ai"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 1799,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "CLIENT_SECRET_HASHER": "machine",
}
# Secrets of integrations are made by this machine with 256 random bits, so one fast round is enough for them.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "nostro.web.hashers.MachineSecretHasher",
]

# --- language, time, files ----------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("fr", "Français"), ("de", "Deutsch")]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = os.environ.get("NOSTRO_TIME_ZONE", "Europe/Brussels")
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIRECTORY / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "nostro.web.staticfiles.Storage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 60
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- security -----------------------------------------------------------------------------------------------

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "nostro.web.views.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("NOSTRO_TRUST_PROXY", False) else None
X_FRAME_OPTIONS = "DENY"
# Addresses for the limits on sign-in: the last one a proxy named, where a proxy is trusted.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _flag("NOSTRO_TRUST_PROXY", False) else 0
METRICS_TOKEN = os.environ.get("NOSTRO_METRICS_TOKEN", "")

LOGGING_CONFIG = "nostro.web.logging.configure"
LOGGING = {"level": os.environ.get("NOSTRO_LOG_LEVEL", "INFO"), "format": os.environ.get("NOSTRO_LOG_FORMAT", "text")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "web_cache"}}
# E-mail addresses are unique without regard to case, by a constraint that this check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
