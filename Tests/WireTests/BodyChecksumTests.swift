import TestInflater
import Testing
import Wire

@Suite("Checksums of bodies")
struct BodyChecksumTests {
    private func add(_ bytes: [UInt8], to sum: inout BodyChecksum) { bytes.withUnsafeBytes { sum.add($0) } }

    private func reference(_ coding: ContentCoding, _ bytes: [UInt8]) -> UInt32 {
        coding == .gzip ? ZlibReference.crc32(bytes) : ZlibReference.adler32(bytes)
    }

    @Test("it is 16 bytes, of which there are two for each feed")
    func size() { #expect(MemoryLayout<BodyChecksum>.size == 16) }

    @Test("it is moved over what others read, too, and a body ends with it", arguments: ContentCoding.allCases)
    func moved(_ coding: ContentCoding) throws {
        var feed = BodyChecksum(coding)
        var own = BodyChecksum(coding)
        var bytes: [UInt8] = []
        add(Array("what came before".utf8), to: &feed)
        for round in 0..<50 {
            let mine = Array(String(repeating: "mine \(round) ", count: round).utf8)
            add(mine, to: &own)
            bytes += mine
            let joined = feed
            for number in 0..<round % 7 {
                let shared = Array("shared \(number)\n".utf8)
                add(shared, to: &feed)
                bytes += shared
            }
            own.add(from: joined, to: feed)
        }
        #expect(own.value == reference(coding, bytes) && own.count == UInt64(bytes.count))
        var body = ByteBuffer()
        body.append(coding.header)
        bytes.withUnsafeBytes { StoredBlocks.append($0, to: &body) }
        body.append(StoredBlocks.end)
        own.appendTrailer(to: &body)
        for isWrong in [false, true] {
            var whole = Array(body.bytes)
            if isWrong { whole[whole.count - (coding == .gzip ? 8 : 4)] ^= 1 }
            let inflater = StreamInflater(coding == .gzip ? .gzip : .zlib)
            #expect(inflater.inflate(whole) == (isWrong ? nil : bytes))
            #expect(inflater.hasEnded != isWrong)
        }
    }

    @Test("to add nothing changes nothing, also where there is no address", arguments: ContentCoding.allCases)
    func nothing(_ coding: ContentCoding) {
        var sum = BodyChecksum(coding)
        #expect(sum.value == reference(coding, []) && sum.count == 0)
        add(Array("some".utf8), to: &sum)
        let before = sum
        sum.add(UnsafeRawBufferPointer(start: nil, count: 0))
        sum.add(from: before, to: before)
        #expect(sum == before)
    }

    @Test(
        "the sums that are most, and the ones that are none, are moved like others",
        arguments: ContentCoding.allCases
    )
    func extremes(_ coding: ContentCoding) {
        for (byte, count) in [(UInt8(255), 70_000), (0, 65_521), (255, 65_520), (1, 65_520), (1, 65_521), (0, 1)] {
            let (before, run) = ([UInt8](repeating: 255, count: 257), [UInt8](repeating: byte, count: count))
            var feed = BodyChecksum(coding)
            add(before, to: &feed)
            let joined = feed
            add(run, to: &feed)
            var own = BodyChecksum(coding)
            add([7], to: &own)
            own.add(from: joined, to: feed)
            #expect(own.value == reference(coding, [7] + run), "\(byte) \(count)")
        }
    }

    @Test("as zlib joins two checksums, at whatever place of a run, however far", arguments: ContentCoding.allCases)
    func joined(_ coding: ContentCoding) throws {
        func combine(_ first: UInt32, _ second: UInt32, _ count: UInt64) -> UInt32 {
            coding == .gzip
                ? ZlibReference.crc32(first, second, count: count) : ZlibReference.adler32(first, second, count: count)
        }
        var random = SystemRandomNumberGenerator()
        func drawn() -> UInt32 {
            if coding == .gzip { return UInt32.random(in: 0 ... .max, using: &random) }
            return UInt32.random(in: 0..<65_521, using: &random) << 16 | UInt32.random(in: 0..<65_521, using: &random)
        }
        for round in 0..<20_000 {
            let count = UInt64.random(in: 0...1 << UInt64(round % 48), using: &random)
            let joined = UInt64.random(in: 0...1 << 47, using: &random)
            let (before, between, mine) = (drawn(), drawn(), drawn())
            let after = combine(before, between, count)
            var own = BodyChecksum(coding, value: mine, count: 5)
            own.add(
                from: BodyChecksum(coding, value: before, count: joined),
                to: BodyChecksum(coding, value: after, count: joined + count)
            )
            let expected = BodyChecksum(coding, value: combine(mine, between, count), count: 5 + count)
            try #require(own == expected, "\(before) \(between) \(mine) \(count)")
        }
    }
}
