/// Everything that is left to chance in one run, drawn from its seed (SplitMix64), so that a run can be repeated.
final class SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// Whether something happens that happens once in so many times; never, if that is zero.
    func once(in times: Int) -> Bool { times > 0 && next() % UInt64(times) == 0 }

    func element<Element>(of array: [Element]) -> Element? {
        array.isEmpty ? nil : array[number(0...array.count - 1)]
    }
}
