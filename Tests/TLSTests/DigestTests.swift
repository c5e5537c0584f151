import TLS
import Testing

@Suite struct DigestTests {
    @Test(
        "SHA-1 is as its standard has it",
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ]
    )
    func sha1(_ text: String, _ digest: String) {
        // FIPS 180-4 and RFC 3174 §7.3.
        let hexadecimal = Digest.sha1(Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hexadecimal == digest)
    }
}
