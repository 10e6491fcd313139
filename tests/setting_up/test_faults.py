"""Real outputs of pip and uv, shortened, and the sentence that the user gets for each."""

from __future__ import annotations

import pytest

from setting_up.faults import NO_HEADERS, NO_VISUAL_C, Stopped

STOPPING = [
    ("WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3."
     "connection.HTTPSConnection object>: Failed to establish a new connection: [Errno -3] Temporary failure in name "
     "resolution')'\nERROR: No matching distribution found for uv==0.13.8", "The package index cannot be reached"),
    ("error: Failed to fetch: `https://index.example/simple/uv/`\n  cause: error sending request for url\n"
     "  cause: client error (Connect)\n  cause: dns error: failed to lookup address information",
     "The package index cannot be reached"),
    ("after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
     "verify failed: self-signed certificate (_ssl.c:1006)'))'", "certificate is not trusted: set PIP_CERT"),
    ("  cause: client error (Connect)\n  cause: invalid peer certificate: UnknownIssuer",
     "certificate is not trusted"),
    ("error: Failed to download `python-docx==1.2.0`\n  cause: Hash mismatch for `python-docx==1.2.0`",
     "not the tested file (hash mismatch)"),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the tested file"),
    ("  cause: failed to copy file: No space left on device (os error 28)", "The disk is full"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
    ("error: HTTP status client error (401 Unauthorized) for url", "wants a name and a password"),
    ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
     "The proxy refuses"),
    ("error: failed to remove file `.venv\\Scripts\\python.exe`: Access is denied. (os error 5)",
     "in use or not yours"),
]
LACKING = ("ERROR: Could not find a version that satisfies the requirement uv==0.13.8 (from versions: 0.13.1)\n"
           "ERROR: No matching distribution found for uv==0.13.8")
HINDERING = [
    ("ERROR: No matching distribution found for ziglang==0.17.0", "nor can zig be fetched in its stead; install gcc"),
    ("  × Failed to build `pyradiomics==3.0.1`\n  radiomics/src/_cmatrices.c:3:10: fatal error: Python.h: No such file",
     NO_HEADERS),
    ("error: Failed to build `pyradiomics==3.0.1`\n  error: Microsoft Visual C++ 14.0 or greater is required.",
     NO_VISUAL_C),
    ("error: Failed to build `pyradiomics==3.0.1`\n  xcode-select: note: No developer tools were found",
     "xcode-select --install"),
    ("error: Failed to build `pyradiomics==3.0.1`\n  error: command '/bin/false' failed with exit code 1",
     "set CC to one"),
    ("  ERROR: Failed building wheel for pyradiomics\n  sh: gcc: Permission denied", "set CC to one"),
]


@pytest.mark.parametrize(("output", "words"), STOPPING)
def test_a_fault_of_the_way_stops_everything_and_says_what_to_do(output: str, words: str) -> None:
    stop = Stopped("Fetching", output)
    assert words in stop.sentence()
    assert stop.hindrance() == ""
    assert not stop.is_for_lack()


@pytest.mark.parametrize(("output", "words"), HINDERING)
def test_a_fault_of_the_build_only_costs_image_extraction(output: str, words: str) -> None:
    assert words in Stopped("Fetching", output).hindrance()


def test_a_full_disk_during_the_build_is_not_taken_for_a_missing_compiler() -> None:
    stop = Stopped("Fetching", "error: Failed to build `pyradiomics==3.0.1`\n fatal error: No space left on device")
    assert stop.hindrance() == ""
    assert "The disk is full" in stop.sentence()


def test_no_network_is_not_taken_for_a_missing_zig() -> None:
    stop = Stopped("Fetching zig", STOPPING[0][0] + "\nERROR: No matching distribution found for ziglang==0.17.0")
    assert stop.hindrance() == ""


def test_an_index_without_a_file_is_told_apart_from_an_index_out_of_reach() -> None:
    assert Stopped("Fetching", LACKING).is_for_lack()
    assert "set PIP_INDEX_URL to a fuller one" in Stopped("Fetching", LACKING).sentence()


def test_an_unknown_fault_names_its_step_and_keeps_the_last_words() -> None:
    stop = Stopped("Adding radnb itself", "\n".join(f"line {n}" for n in range(100)))
    assert stop.sentence().startswith("This step failed: Adding radnb itself.")
    assert stop.tail().splitlines()[-1] == "line 99"
    assert len(stop.tail().splitlines()) == 25
