internal import Broker
internal import Reactor

// What a backend is to hear of this node's readers should the node die, and what it is to hear of those of nodes that did.
extension Uplink {
    // MARK: This node's own

    /// Whether a backend is told of those who are gone has changed, or is said again.
    func keepWill(_ isWanted: Bool) {
        guard isWanted != will.isWanted, backplane.keepsWills else { return }
        if isWanted {
            will.isWanted = true
            will.nextTick = .start
        } else {
            if let id = will.last { backplane.dropWill(id) }
            will.forget()
            execution = nil
        }
        metrics.willEntries.set(will.count)
    }

    /// A reader came whose end a backend is to hear, or is somebody else than before.
    func bequeath(_ holder: SessionHolder, _ entry: WillEntry) {
        guard will.isWanted else { return }
        var entry = entry
        if let id = entry.session, let session = sessions[id], session.holder == holder { entry.fence = session.fence }
        will.set(entry.text(of: holder), of: holder)
        metrics.willEntries.set(will.count)
    }

    /// A reader is gone, and the backend has heard it.
    func forgetReader(_ holder: SessionHolder) {
        will.remove(holder)
        metrics.willEntries.set(will.count)
    }

    /// Renews the lease three times within it, or begins another will.
    func tendWill(_ tick: Tick) {
        guard will.isWanted, backplane.areWillsUp, will.nextTick.isReached(by: tick) else { return }
        will.nextTick = seat.tick(afterMilliseconds: limits.nodeLeaseMilliseconds / 3)
        switch will.state {
        case .none:
            let id = WillID()
            will.beginOpening(id)
            backplane.openWill(id, replacing: will.last)
        case .opening: break
        case .open(let id): backplane.renewWill(id, executing: execution?.will, seeks: mayExecute(tick))
        }
    }

    /// A slice of what changed, with each turn. While the backplane is away it waits, for it may have all else.
    func writeWill() {
        guard backplane.areWillsUp else { return }
        let changes = will.takeChanges()
        if let id = will.openID, !changes.isEmpty { backplane.writeWill(id, changes) }
    }

    /// The backplane was lost, or is back: then it is asked at once whether the will is still this node's. What it was asked for and did
    /// not answer has failed by then.
    func willLinkChanged(isUp: Bool) {
        guard isUp != (upSinceTick != nil) else { return }
        will.nextTick = .start
        upSinceTick = isUp ? seat.tick(afterMilliseconds: 0) : nil
    }

    /// The node ends. What the backend has heard is taken out of its will; if that is not all, others tell the rest.
    func leaveWill() {
        if let page = execution, !page.done.isEmpty {
            backplane.executeWill(page.will, done: page.done, countMax: WillExecution.pageCountMax)
        }
        guard let id = will.openID else { return }
        if will.count == 0 { return backplane.dropWill(id) }
        will.didWrite()
        while case let changes = will.takeChanges(), !changes.isEmpty {
            backplane.writeWill(id, changes)
            will.didWrite()
        }
    }

    public func willOpened(_ id: WillID, _ outcome: Result<Void, BackplaneFailure>) {
        guard will.state == .opening(id) else { return }
        if case .success = outcome { will.didOpen(id) } else { loseWill() }
    }

    public func willWritten(_ id: WillID, _ outcome: Result<Bool, BackplaneFailure>) {
        guard will.openID == id else { return }
        if case .success(true) = outcome { will.didWrite() } else { loseWill() }
    }

    public func willRenewed(_ id: WillID, _ outcome: Result<WillRenewal, BackplaneFailure>) {
        guard will.isWanted, case .success(let renewal) = outcome else { return }
        // One of its own was carried out by another that died: who stands in it is here.
        if let found = renewal.found, found != id { execute(found) }
        if will.openID == id, !renewal.isOwn { loseWill() }
    }

    /// Begins another one with the next renewal: not at once, for what failed would be asked for without end.
    private func loseWill() {
        metrics.willsLost.add()
        will.lose()
    }

    // MARK: Those of others

    /// Whether this node looks for wills whose lease has ended: not before it has been heard for as long as a lease is. After an outage
    /// of the backplane all have ended, and who lives needs time to say so.
    private func mayExecute(_ tick: Tick) -> Bool {
        guard execution == nil, let upSinceTick else { return false }
        return tick.milliseconds(since: upSinceTick) >= limits.nodeLeaseMilliseconds
    }

    private func execute(_ found: WillID) {
        guard execution == nil else { return }
        execution = WillExecution(found)
        metrics.willsExecuted.add()
        backplane.executeWill(found, done: [], countMax: WillExecution.pageCountMax)
    }

    public func willRead(_ id: WillID, _ outcome: Result<[[UInt8]]?, BackplaneFailure>) {
        guard execution?.will == id else { return }
        // Where this failed its lease here ends, and somebody tries again.
        guard case .success(let entries?) = outcome, !entries.isEmpty else { return execution = nil }
        execution?.begin(entries.count)
        for text in entries {
            // Anybody may write there; what is no entry is not told.
            guard let entry = WillEntry(text: text) else {
                end(text, of: id, isDone: true)
                continue
            }
            if let session = entry.session { backplane.readFence(of: session, for: text) } else { tell(entry, text) }
        }
    }

    /// Who has resumed elsewhere is not gone.
    public func fenceRead(for text: [UInt8], _ outcome: Result<UInt64?, BackplaneFailure>) {
        guard let id = execution?.will, let entry = WillEntry(text: text) else { return }
        switch outcome {
        case .failure: end(text, of: id, isDone: false)
        case .success(let fence?) where fence > entry.fence: end(text, of: id, isDone: true)
        case .success: tell(entry, text)
        }
    }

    /// Has one of the reactors tell the backend, each in its turn.
    private func tell(_ entry: WillEntry, _ text: [UInt8]) {
        guard let id = execution?.will else { return }
        nextHeir = (nextHeir + 1) % reports.count
        post(.inherited(id, entry, text), to: 1 << nextHeir)
    }

    /// The backend has heard of a reader, or will not; or it is to be told later.
    func told(_ id: WillID, _ text: [UInt8], isDone: Bool) {
        if isDone { metrics.willReadersTold.add() }
        end(text, of: id, isDone: isDone)
    }

    private func end(_ text: [UInt8], of id: WillID, isDone: Bool) {
        guard execution?.will == id else { return }
        execution?.end(text, isDone: isDone)
        guard let page = execution, page.left == 0 else { return }
        // Of a page of which nothing could be done this is no moment to try again.
        if page.done.isEmpty { return execution = nil }
        backplane.executeWill(id, done: page.done, countMax: WillExecution.pageCountMax)
    }
}
