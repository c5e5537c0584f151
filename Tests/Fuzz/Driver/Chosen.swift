import FuzzChecks

/// The decoder that is fuzzed.
enum Chosen {
    /// A function of C captures nothing. Set before the fuzzer runs, and only read from then on.
    nonisolated(unsafe) static var check: @Sendable ([UInt8]) throws -> Void = { _ in }
}

/// Checks one input. The fuzzer's own `main`, which ours stands in the place of, wants it by this name, too.
@_cdecl("LLVMFuzzerTestOneInput")
func checkOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try Chosen.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
