"""The sections of the settings for pages, pushes and the identity provider."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from bot.common.public_holidays import known_place
from bot.common.setting_types import Address, Contact, Issuer, Network, Origin, accent_colour, known_languages, listed


class SettingsSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSettings(SettingsSection):
    """Appearance and addresses of the web pages, and the sites that may embed them in a frame."""

    public_url: Address = ""
    """Public address of these pages, e.g. `https://mitsprache.example`; empty: the address the browser requested."""
    organisation: Annotated[str, Field(min_length=1, max_length=80)] = "Mitsprache"
    """Name of the provider of these pages; shown at the top of each."""
    accent: Annotated[str, AfterValidator(accent_colour)] = "#0b5d66"
    """The colour of buttons and links. Refused if its contrast is too low."""
    embed_origins: Annotated[tuple[Origin, ...], BeforeValidator(listed)] = ()
    """Pages that may show a consultation in a frame, e.g. `["https://www.example.org"]`."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(listed)] = ()
    """Addresses of trusted proxies: only their forwarding headers determine the client address."""
    trusted_networks: Annotated[tuple[Network, ...], BeforeValidator(listed)] = ()
    """Networks from which many people take part at once, e.g. those of schools and libraries: 300 instead of 19
    participations of an hour begin there without a wait.
    """
    accessibility_contact: str = ""
    """E-mail address (or sentence) for reporting barriers; shown in the accessibility statement."""
    accessibility_office: Address = ""
    """Page of the authority that enforces accessibility."""
    security_contact: Contact = ""
    """E-mail address or page (`https://…`) for reports of weaknesses; published in `/.well-known/security.txt`."""
    privacy_url: Address = ""
    """Your full privacy policy, if there is one."""
    imprint_url: Address = ""
    """The page with your imprint; linked at the foot of each page."""
    imprint: Annotated[str, Field(max_length=4000)] = ""
    """The imprint as plain text, shown at `/imprint`; lines stay lines."""
    languages: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(known_languages)] = ()
    """The languages that pages offer besides those of a consultation, e.g. `["de", "en"]`; empty: all."""
    publish_needs_second: bool = False
    """Whether a version goes live only after a second member agreed in the console; command line and API ask
    for it.
    """


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


def _known_place(place: str) -> str:
    try:
        return known_place(place)
    except ValueError:
        raise PydanticCustomError("place", "must be a country, or country and state, like DE-BE (ISO 3166)") from None


class PushSettings(SettingsSection):
    """Time, rate and frequency of pushes to subscribers."""

    quiet_from: int = Field(default=21, ge=0, le=23)
    """Full hour, in the city's time zone, at which the quiet hours begin: no push is sent during them."""
    quiet_to: int = Field(default=8, ge=0, le=23)
    """Full hour at which the quiet hours end; the same as `quiet_from`: there are none."""
    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(listed)] = ()
    """The days of the week on which pushes are sent, e.g. `["monday", "tuesday"]`; empty: all."""
    holidays: Annotated[str, AfterValidator(_known_place)] = ""
    """Country and state on whose public holidays no push is sent, e.g. `DE-BE` (ISO 3166-2); empty: holidays are like
    other days.
    """
    per_hour: int = Field(default=0, ge=0)
    """Messages of one push per hour; 0: as fast as the channels allow."""
    max_pushes: int = Field(default=2, ge=1)
    """Pushes one contact gets within `period_days`, across all consultations."""
    period_days: int = Field(default=7, ge=1, le=365)
    """The period for `max_pushes`, in days."""
    confirm_above: int = Field(default=500, ge=0)
    """From this number of recipients on, a push is confirmed twice."""
    second_above: int = Field(default=0, ge=0)
    """A push to more people than these starts only after a second member agreed in the console; 0: none needs that."""


class OidcSettings(SettingsSection):
    """Sign-in to the console with the account of an identity provider (OpenID Connect)."""

    issuer: Issuer = ""
    """Address of the provider, exactly as it calls itself, e.g. `https://id.example.org/realms/city`; empty: none."""
    client_id: str = ""
    """The name under which the provider knows this installation."""
    client_secret: SecretStr = SecretStr("")
    """The secret of this client; empty for a public client, which has PKCE only."""
    label: Annotated[str, Field(max_length=60)] = ""
    """Name of the provider on the button, e.g. `Stadtkonto`; empty: the host name of the issuer."""
    name_claim: str = "preferred_username"
    """The claim that is shown as the name of a linked account; empty: no name is shown."""

    @model_validator(mode="after")
    def _is_complete(self) -> OidcSettings:
        if self.issuer and not self.client_id:
            raise PydanticCustomError("oidc", "has an issuer without a client_id; set both")
        if self.issuer and find_spec("joserfc") is None:
            raise PydanticCustomError("oidc", "needs one more package: run `python3 -m bot.bootstrap oidc`")
        return self
