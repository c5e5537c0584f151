/// Memory of a page of history that some clients missed: as long as one of them has not been told all of it, it is held.
///
/// Thread: owned by one reactor.
final class SharedPage {
    let byteCount: Int
    private let held: HeldMemory

    init(byteCount: Int, _ held: HeldMemory) {
        self.byteCount = byteCount
        self.held = held
        held.replayBytes += byteCount
    }

    /// Memory of some of its publications, for a client that does not take all.
    func part(byteCount: Int) -> SharedPage { SharedPage(byteCount: byteCount, held) }

    deinit { held.replayBytes -= byteCount }
}
