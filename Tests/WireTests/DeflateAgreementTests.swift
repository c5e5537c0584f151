import Testing
import Wire

/// What clients offer and what is answered, RFC 7692 §5 and §7.1.
@Suite("What permessage-deflate is agreed on")
struct DeflateAgreementTests {
    private static let alone = "permessage-deflate; client_no_context_takeover"

    @Test(
        "offers that can be met",
        arguments: [
            (["permessage-deflate"], ""),
            (["Permessage-Deflate"], ""),
            (["permessage-deflate; client_max_window_bits"], ""),
            (["permessage-deflate;client_max_window_bits=8"], ""),
            (["permessage-deflate; client_max_window_bits=15; client_no_context_takeover"], ""),
            (["permessage-deflate; server_no_context_takeover"], "; server_no_context_takeover"),
            (["permessage-deflate; server_max_window_bits=8"], "; server_max_window_bits=8"),
            (["permessage-deflate; server_max_window_bits=\"10\""], "; server_max_window_bits=10"),
            (["permessage-deflate ; server_max_window_bits = 15"], "; server_max_window_bits=15"),
            (
                ["permessage-deflate; server_max_window_bits=9; server_no_context_takeover; client_max_window_bits=9"],
                "; server_no_context_takeover; server_max_window_bits=9"
            ),
            // What a browser, Python and Node say.
            (["permessage-deflate; client_max_window_bits"], ""),
            (
                ["permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"],
                "; server_max_window_bits=12"
            ),
            // The first that can be met, in one line or in several.
            (["x-webkit-deflate-frame, permessage-deflate"], ""),
            (
                ["permessage-deflate; mode=fast, permessage-deflate; server_no_context_takeover"],
                "; server_no_context_takeover"
            ),
            (["permessage-deflate; server_max_window_bits=7", "permessage-deflate"], ""),
            (["permessage-deflate; server_no_context_takeover, permessage-deflate"], "; server_no_context_takeover"),
            (["", ",, permessage-deflate ,"], ""),
        ]
    )
    func met(_ lines: [String], _ rest: String) throws {
        #expect(DeflateAgreement(offers: lines)?.text == Self.alone + rest)
    }

    @Test(
        "offers that are declined",
        arguments: [
            [], [""], ["permessage-bzip2"], ["deflate-frame"], ["permessage-deflate-2"],
            ["permessage-deflate; unknown"], ["permessage-deflate; unknown=1"],
            ["permessage-deflate; server_no_context_takeover=1"],
            ["permessage-deflate; client_no_context_takeover=true"],
            ["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            ["permessage-deflate; server_max_window_bits"], ["permessage-deflate; server_max_window_bits=7"],
            ["permessage-deflate; server_max_window_bits=16"], ["permessage-deflate; server_max_window_bits=08"],
            ["permessage-deflate; server_max_window_bits=+9"], ["permessage-deflate; server_max_window_bits=9x"],
            ["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"],
            ["permessage-deflate; client_max_window_bits=7"], ["permessage-deflate; client_max_window_bits=x"],
            ["permessage-deflate; client_max_window_bits; client_max_window_bits=9"],
            // No list of extensions at all.
            ["permessage-deflate;"], ["permessage-deflate; ;"], ["permessage-deflate; server_max_window_bits="],
            ["permessage-deflate; server_max_window_bits=\"9"], ["permessage-deflate; server_max_window_bits=\"\""],
            ["permessage-deflate permessage-deflate"], ["permessage deflate"], ["=, permessage-deflate"],
            ["permessage-deflate; server_max_window_bits=\"1\\0\""], ["permessage-deflate\u{0}"],
        ]
    )
    func declined(_ lines: [String]) {
        #expect(DeflateAgreement(offers: lines) == nil)
    }
}
