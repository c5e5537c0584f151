/// Memory of a page of history that some clients missed: as long as one of them has not been told all of it, it is held.
///
/// Thread: owned by one reactor.
package final class SharedPage {
    package let byteCount: Int
    private let held: HeldMemory

    package init(byteCount: Int, _ held: HeldMemory) {
        self.byteCount = byteCount
        self.held = held
        held.replayBytes += byteCount
    }

    /// Memory of some of its publications, for who does not take all.
    package func part(byteCount: Int) -> SharedPage { SharedPage(byteCount: byteCount, held) }

    deinit { held.replayBytes -= byteCount }
}
