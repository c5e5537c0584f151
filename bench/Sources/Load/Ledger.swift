internal import CBench

/// What the processes of a run tell each other while it lasts: words in shared memory, each with one writer.
struct Ledger {
    /// What a worker says about itself.
    enum Counter: Int, CaseIterable {
        /// Handshakes done.
        case connected
        /// Connections that know they are subscribed.
        case ready
        /// Connections refused, or never established.
        case failed
        /// Connections that the server closed.
        case closed
        case delivered
        case lastDeliveryNanoseconds
    }

    private enum Word: Int, CaseIterable {
        case windowStartNanoseconds
        case start
        case finish
    }

    private let words: UnsafeMutablePointer<UInt64>
    private let workerCount: Int

    /// A cache line apart, so that workers do not slow each other down.
    private static let wordsPerWorker = 8

    init(workerCount: Int, sourceCount: Int) {
        self.workerCount = workerCount
        let count = (1 + workerCount) * Ledger.wordsPerWorker + sourceCount
        words = bench_map_shared(count * 8).bindMemory(to: UInt64.self, capacity: count)
        windowStartNanoseconds = .max
    }

    /// Latencies count from publications due at or after this time.
    var windowStartNanoseconds: UInt64 {
        get { bench_load(words + Word.windowStartNanoseconds.rawValue) }
        nonmutating set { bench_store(words + Word.windowStartNanoseconds.rawValue, newValue) }
    }

    /// The workers connect.
    var isStarted: Bool {
        get { bench_load(words + Word.start.rawValue) != 0 }
        nonmutating set { bench_store(words + Word.start.rawValue, newValue ? 1 : 0) }
    }

    /// The workers report and end.
    var isFinished: Bool {
        get { bench_load(words + Word.finish.rawValue) != 0 }
        nonmutating set { bench_store(words + Word.finish.rawValue, newValue ? 1 : 0) }
    }

    subscript(counter: Counter, worker worker: Int) -> UInt64 {
        get { bench_load(words + (1 + worker) * Ledger.wordsPerWorker + counter.rawValue) }
        nonmutating set { bench_store(words + (1 + worker) * Ledger.wordsPerWorker + counter.rawValue, newValue) }
    }

    func total(_ counter: Counter) -> Int { (0..<workerCount).reduce(0) { $0 + Int(self[counter, worker: $1]) } }

    var lastDeliveryNanoseconds: UInt64 {
        (0..<workerCount).map { self[.lastDeliveryNanoseconds, worker: $0] }.max() ?? 0
    }

    /// How many publications of a source the server has acknowledged; also the source's next sequence number.
    func acknowledgedCount(ofSource source: Int) -> UInt64 { bench_load(acknowledgedWord(source)) }

    func acknowledge(source: Int) { bench_store(acknowledgedWord(source), acknowledgedCount(ofSource: source) + 1) }

    private func acknowledgedWord(_ source: Int) -> UnsafeMutablePointer<UInt64> {
        words + (1 + workerCount) * Ledger.wordsPerWorker + source
    }
}
