internal import Broker
internal import Wire

// How a message of a feed is compressed, and with what.
extension Hub {
    // MARK: Windows

    /// Has a feed have a window; says whether it does.
    func takeWindow(for coder: FeedCoder) -> Bool {
        coder.usedMilliseconds = outlet.nowMilliseconds
        if coder.hasWindow { return true }
        guard windows.give(to: coder) else {
            metrics.compressionWindowsRefused.add()
            return false
        }
        noteWindows()
        return true
    }

    func giveBackWindow(of coder: FeedCoder) {
        windows.takeBack(from: coder)
        noteWindows()
    }

    /// Takes windows back from feeds that have had no use for theirs of late.
    func giveBackIdleWindows() {
        guard windows.count > 0 else { return }
        let now = outlet.nowMilliseconds
        for feed in allFeeds {
            guard let coder = feed.coder, coder.hasWindow,
                now >= coder.usedMilliseconds + limits.compressionIdleMilliseconds
            else { continue }
            giveBackWindow(of: coder)
        }
    }

    private func noteWindows() {
        metrics.compressionWindows.set(windows.count)
        metrics.compressionWindowBytes.set(windows.memoryBytes)
    }

    // MARK: Messages

    /// Puts the message that `frame` holds into a feed's log, or holds it back.
    func put(_ position: Position?, merging key: PatternPacer.Key? = nil, into feed: Feed) {
        if let pacer = feed.patternPacer { return hold(position, key, of: feed, by: pacer) }
        append(position, to: feed)
    }

    /// Appends the message that `frame` holds to a feed's log.
    func append(_ position: Position?, to feed: Feed) {
        guard let coder = feed.coder else { return feed.append(frame.bytes, position: position) }
        coded.removeAll()
        deflated.removeAll()
        if feed.encoding.hasContentCoding { codeBody(of: feed, coder) } else { codeFrame(of: feed, coder) }
        feed.append(coded.bytes, position: position)
    }

    /// A WebSocket's frame, which is compressed or not.
    private func codeFrame(of feed: Feed, _ coder: FeedCoder) {
        let message = WebSocketEncoder.payload(of: frame.bytes)
        let isWorthIt = message.count >= limits.compressedMessageBytesMin && !coder.leavesAlone()
        guard isWorthIt, compress(message, of: feed, coder) else {
            metrics.uncompressedMessages.add()
            return coded.append(frame.bytes)
        }
        deflated.truncate(to: deflated.count - Deflater.tailBytes)
        let isSmaller = deflated.count < message.count
        coder.note(isSmaller: isSmaller)
        // What is part of what others refer to must be sent.
        guard isSmaller || feed.stage == .shared else {
            metrics.uncompressedMessages.add()
            return coded.append(frame.bytes)
        }
        count(message)
        WebSocketEncoder.appendFrame(
            WebSocketEncoder.opcode(of: frame.bytes),
            payload: deflated.bytes,
            isCompressed: true,
            to: &coded
        )
    }

    /// A piece of a stream's body that is compressed as a whole: nothing can be left out of it.
    private func codeBody(of feed: Feed, _ coder: FeedCoder) {
        coder.checksum?.add(frame.bytes)
        if compress(frame.bytes, of: feed, coder) {
            count(frame.bytes)
        } else {
            metrics.uncompressedMessages.add()
            StoredBlocks.append(frame.bytes, to: &deflated)
        }
        if feed.encoding.isChunked {
            HTTPChunkedEncoder.append(deflated.bytes, to: &coded)
        } else {
            coded.append(deflated.bytes)
        }
    }

    private func count(_ message: UnsafeRawBufferPointer) {
        metrics.compressedMessages.add()
        metrics.compressionInputBytes.add(message.count)
        metrics.compressionOutputBytes.add(deflated.count)
    }

    /// Compresses a message into `deflated`, if its feed may; says whether it did.
    private func compress(_ message: UnsafeRawBufferPointer, of feed: Feed, _ coder: FeedCoder) -> Bool {
        guard feed.mayCompress else { return false }
        switch feed.stage {
        case .direct, .waiting: return false
        case .alone:
            let isNarrow = feed.encoding.form == .deflatedNarrow
            return windows.appendAlone(message, isNarrow: isNarrow, to: &deflated)
        case .shared:
            guard takeWindow(for: coder) else { return false }
            coder.append(message, to: &deflated)
            return true
        }
    }
}
