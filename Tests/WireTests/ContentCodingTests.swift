import TestInflater
import Testing
import Wire

@Suite("Content codings")
struct ContentCodingTests {
    @Test(
        "what a client wants the body of an answer compressed as",
        arguments: [
            ([], nil), ([""], nil), (["identity"], nil), (["br"], nil), (["gzip"], .gzip), (["GZIP"], .gzip),
            (["x-gzip"], .gzip), (["gzip, deflate, br, zstd"], .gzip), (["br", "gzip"], .gzip), (["gzipped"], nil),
            (["deflate, gzip;q=1.0, *;q=0.5"], .gzip), (["gzip;q=0"], nil), (["gzip;q=0.000"], nil),
            // Weights, and what is none.
            (["gzip; q=0.001"], .gzip), (["gzip;q=0.0001"], nil), (["gzip;q=1.001"], nil), (["gzip;q=2"], nil),
            (["gzip;q=x"], nil), (["gzip;q"], nil), (["gzip;level=1"], nil), (["gzip;Q=0.5"], .gzip),
            // Everything else.
            (["*"], .gzip), (["*;q=0"], nil), (["gzip;q=0, *"], nil), (["*;q=0, gzip"], .gzip),
            (["*;q=0.5, deflate;q=0.4"], .gzip), (["*;q=0.5, deflate;q=0.6"], .deflate),
            (["deflate;q=0, *"], .gzip), (["deflate;q=0.5, *"], .gzip), (["gzip;q=0, deflate;q=0, *"], nil),
            // To be left alone.
            (["identity, gzip;q=0.5"], nil), (["identity;q=0.5, gzip;q=0.5"], .gzip),
            (["identity;q=0, gzip;q=0.1"], .gzip), (["identity, deflate;q=0.5"], nil),
            (["identity;q=0.5, deflate;q=0.5"], .deflate), (["identity;q=0, deflate;q=0.1"], .deflate),
            (["identity;q=0.7, gzip;q=0.5, deflate;q=0.8"], .deflate),
            (["identity;q=0.7, gzip;q=0.5, deflate;q=0.6"], nil),
            // One rather than the other.
            (["deflate"], .deflate), (["Deflate"], .deflate), (["\tdeflate "], .deflate), (["deflate, br"], .deflate),
            (["deflate;q=1, gzip;q=0.5"], .deflate), (["gzip;q=0.5", "deflate;q=0.501"], .deflate),
            (["deflate;q=0.5, gzip;q=0.5"], .gzip), (["deflate;q=0.5, gzip"], .gzip),
            (["gzip;q=0, deflate"], .deflate), (["*;q=0, deflate"], .deflate), (["deflate;q=0"], nil),
            (["deflate;q=0.2, deflate, gzip;q=0.5"], .deflate), (["deflate, deflate;q=0.2, gzip;q=0.5"], .deflate),
            (["deflate;q=1.5, gzip;q=0.5"], .gzip), (["deflate;q=0.5;x=1"], nil), (["deflated"], nil),
            (["x-deflate"], nil), (["deflate gzip"], nil), ([",,;,;q=1,=,deflate"], .deflate), (["deflate\0"], nil),
        ] as [([String], ContentCoding?)]
    )
    func wanted(_ lines: [String], _ coding: ContentCoding?) {
        #expect(ContentCoding.wanted(by: lines) == coding)
    }

    @Test("a body of zlib's format says what window it needs, and zlib says it the same way")
    func header() {
        #expect(ContentCoding.deflate.header == ZlibReference.header(windowBits: Deflater.Window.wide.bits))
        #expect(ContentCoding.gzip.header.prefix(3) == [0x1F, 0x8B, 8])
    }

    @Test("a client that keeps no more than the header says reads it to the end", arguments: ContentCoding.allCases)
    func body(_ coding: ContentCoding) {
        var deflater = Deflater(.wide)!
        var checksum = BodyChecksum(coding)
        var output = ByteBuffer()
        output.append(coding.header)
        var bytes: [UInt8] = []
        var random = SystemRandomNumberGenerator()
        // It comes again as far behind as a message can refer to, and farther.
        let noise = (0..<7_900).map { _ in UInt8.random(in: 0...255, using: &random) }
        for round in 0..<40 {
            let message = round % 3 == 2 ? Array(noise.prefix(5_000)) : noise
            message.withUnsafeBytes {
                checksum.add($0)
                if round % 7 == 3 { StoredBlocks.append($0, to: &output) } else { deflater.append($0, to: &output) }
            }
            if round % 7 == 3 { deflater.reset() }
            bytes += message
        }
        output.append(StoredBlocks.end)
        checksum.appendTrailer(to: &output)
        #expect(output.count < bytes.count / 2)
        let inflater = StreamInflater(coding == .gzip ? .gzip : .zlib)
        #expect(inflater.inflate(Array(output.bytes)) == bytes)
        #expect(inflater.hasEnded)
    }
}
