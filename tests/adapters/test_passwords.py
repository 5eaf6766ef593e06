"""Passwords as Argon2id hashes, with the parameters that are said."""

from argon2 import extract_parameters
from argon2.low_level import Type

from smart_ai_router.adapters.passwords import DECOY, Argon2Passwords
from smart_ai_router.core.administrators import PasswordHasher

PASSWORD = "correct horse battery 电池"


def test_a_password_fits_its_own_hash_and_no_other() -> None:
    hasher: PasswordHasher = Argon2Passwords()
    hashed = hasher.hash(PASSWORD)

    assert hasher.fits(PASSWORD, hashed)
    assert not hasher.fits(PASSWORD + " ", hashed)
    assert not hasher.fits("", hashed)
    assert hasher.hash(PASSWORD) != hashed
    assert PASSWORD not in hashed


def test_hash_and_decoy_cost_what_owasp_names() -> None:
    for hashed in (Argon2Passwords().hash(PASSWORD), DECOY):
        found = extract_parameters(hashed)
        assert (found.type, found.version, found.memory_cost, found.time_cost, found.parallelism) == (
            Type.ID, 19, 19 * 1024, 2, 1,
        )  # fmt: skip
        assert (found.salt_len, found.hash_len) == (16, 32)


def test_nobodys_hash_fits_no_password() -> None:
    assert not Argon2Passwords().fits(PASSWORD, None)
    assert not Argon2Passwords().fits("", None)


def test_what_is_no_hash_fits_no_password() -> None:
    assert not Argon2Passwords().fits(PASSWORD, "plain")
    assert not Argon2Passwords().fits(PASSWORD, "$argon2id$v=19$m=19456,t=2,p=1$AAAA")
