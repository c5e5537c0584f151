/// How often a reader asked to be told of a channel: at one of a few rates, so that those who ask for nearly the same share what is made
/// for them, and a stranger cannot have a feed made for each number there is.
///
/// Size: 1 byte.
public struct Pace: Hashable, Sendable {
    /// Its place among the rates, from 1; 0 for who asked for nothing.
    public let step: UInt8

    /// As often as there is something.
    public static let any = Pace(step: 0)

    /// Takes a place; one that there is not is none.
    public init(step: UInt8) { self.step = Int(step) <= Self.rates.count ? step : 0 }

    /// The rates there are. So many feeds may a channel have besides the one that is not paced, for each encoding and reactor.
    public static let rates = [100, 200, 250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 8_000, 10_000, 20_000].map {
        MaxRate(thousandths: $0)
    }

    /// The fastest of them that is not faster than a rate.
    public init(_ rate: MaxRate) {
        step = UInt8(clamping: Self.rates.prefix { $0 <= rate }.count)
    }

    /// The slower of two; who asked for nothing has no say.
    public func slower(_ other: Pace) -> Pace {
        if step == 0 || other.step == 0 { return Pace(step: max(step, other.step)) }
        return Pace(step: min(step, other.step))
    }

    /// Batches a second, at most; `nil` for who asked for nothing.
    public var rate: MaxRate? { step == 0 ? nil : Self.rates[Int(step) - 1] }
}

/// What a rule says of how often readers of a channel are told.
public struct PaceRule: Hashable, Sendable {
    /// Batches a second that nobody gets more of; `nil` where there is no such bound.
    public let rateMax: MaxRate?

    /// Whether of what is held back only the newest publication is told, where the channel is not keyed.
    public let tellsNewestOnly: Bool

    /// Makes one.
    public init(rateMax: MaxRate? = nil, tellsNewestOnly: Bool = false) {
        self.rateMax = rateMax
        self.tellsNewestOnly = tellsNewestOnly
    }

    /// The rate of who asked for a pace: the slower of the two.
    public func rate(of asked: Pace) -> MaxRate? {
        guard let rateMax, let rate = asked.rate else { return rateMax ?? asked.rate }
        return min(rateMax, rate)
    }
}
