import Foundation
import Testing

/// The checks of the fuzzers on what is kept for them, and on some thousand inputs made of it.
@Suite("Fuzzed decoders")
struct CorpusTests {
    /// Seeds by hand, and whatever was found to break a decoder.
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus")

    private static func files(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(at: corpus.appending(path: name), includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test("each has seeds, and nothing else has")
    func directories() async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(try await FuzzTarget.all().map(\.name).sorted() == names.sorted())
        for name in names { #expect(try !Self.files(name).isEmpty, "\(name)") }
    }

    @Test("what is kept breaks none of them")
    func kept() async throws {
        for target in try await FuzzTarget.all() {
            for (name, bytes) in try Self.files(target.name) {
                await #expect(throws: Never.self, "\(target.name)/\(name)") { try await target.check(bytes) }
            }
        }
    }

    /// Inputs for each decoder.
    private static let inputCount = 1_000

    @Test("nor does what is made of it")
    func mutated() async throws {
        for target in try await FuzzTarget.all() {
            var mutator = Mutator(seeds: try Self.files(target.name).map(\.bytes), seed: 20_26)
            for _ in 0..<Self.inputCount {
                let bytes = mutator.next()
                do {
                    try await target.check(bytes)
                } catch {
                    Issue.record("\(target.name): \(error), of base64 \(Data(bytes).base64EncodedString())")
                    break
                }
            }
        }
    }

    @Test("a check that fails is seen")
    func violation() throws {
        #expect(throws: Violation.self) { try require(false, "a lie") }
        #expect(throws: Violation.self) { try requireSame(1, 2, "a lie") }
    }
}
