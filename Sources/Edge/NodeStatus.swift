public import Backplane
internal import Broker
public import Hooks
internal import Reactor
internal import Synchronization
internal import Text

/// What every thread of a node may know of the others: written by one, read by any.
public final class NodeStatus: Sendable {
    /// What the uplink counts.
    public let uplink: UplinkMetrics

    /// What each reactor counts.
    public let reactors: [EdgeMetrics]

    /// What is counted of backends that are asked.
    public let hooks = HookMetrics()

    /// How often single clients of the node may want something.
    let rates = Rates()

    /// How many connections single addresses have, an IPv4 address or an IPv6 network of 64 bits each.
    let connectionsByAddress = ConnectionCounts<PeerAddress>()
    /// How many readers single users and keys have.
    let connectionsByUser = ConnectionCounts<MeteredUser>()

    /// When it was made, by the clock that never jumps.
    let startNanoseconds = Clock.monotonicNanoseconds

    /// The same by the clock of days, in milliseconds since 1970: said once, or it would seem to start anew whenever that clock is set.
    let startMilliseconds = Clock.realtimeMilliseconds

    private let boundPort = Atomic<UInt16>(0)
    private let boundSecurePort = Atomic<UInt16>(0)
    private let draining = Atomic<Bool>(false)
    private let overloading = Atomic<UInt8>(0)

    /// Makes the status of a node that is about to start.
    public init(uplink: UplinkMetrics, reactors: [EdgeMetrics]) {
        self.uplink = uplink
        self.reactors = reactors
    }

    /// The port that is listened on, once it is; 0 before.
    public internal(set) var port: UInt16 {
        get { boundPort.load(ordering: .acquiring) }
        set { boundPort.store(newValue, ordering: .releasing) }
    }

    /// The port for TLS, once it is listened on; 0 before, and where there is none.
    public internal(set) var securePort: UInt16 {
        get { boundSecurePort.load(ordering: .acquiring) }
        set { boundSecurePort.store(newValue, ordering: .releasing) }
    }

    /// Whether the node lets its clients go.
    public internal(set) var isDraining: Bool {
        get { draining.load(ordering: .acquiring) }
        set { draining.store(newValue, ordering: .releasing) }
    }

    /// Why the node takes nobody new, if it does not.
    public internal(set) var overload: Overload? {
        get { Overload(rawValue: overloading.load(ordering: .relaxed)) }
        set { overloading.store(newValue?.rawValue ?? 0, ordering: .relaxed) }
    }

    /// Why the backplane cannot be used, as far as it says.
    public var trouble: String? { uplink.trouble }

    /// Whether clients should come here: the backplane is reached, every channel is heard, keys of tokens are there, the node
    /// stays, and has time for them.
    public var isReady: Bool { uplink.isUp.value == 1 && !isDraining && !wantsKeys && overload == nil }

    /// Whether a set of keys was never had: tokens of it are refused until it is.
    public var wantsKeys: Bool { hooks.keySetsMissing.value > 0 }
}
