internal import Backplane
internal import Broker
internal import Reactor
internal import Text

// How often somebody may want something. What is over a limit is refused with the time after which it is not, before anything else is
// done for it.
extension EdgeReactor {
    /// Takes so many from what an address may have; else says how many milliseconds it has to wait. A proxy that does not say for
    /// whom it asks is nobody in particular.
    func wait(for metered: Metered, by address: PeerAddress, count: Int = 1) -> UInt64? {
        guard rates.has(metered, .address), !isTrusted(address) else { return nil }
        let wait = rates[metered, .address].take(count, hash: address.network.hashValue, now: reactor.now)
        return note(wait, metered, .address)
    }

    /// The same for who is known by a token or a key.
    func wait(for metered: Metered, by who: Credentials, count: Int = 1) -> UInt64? {
        guard let allowance = rates[metered, .user].allowance, let user = MeteredUser(who) else { return nil }
        let hash = user.hashValue
        if isTooFarAhead(metered, hash, allowance) {
            metrics.usersTooFarAhead.add()
            return note(Tick.milliseconds * 1_000_000, metered, .user)
        }
        let wait = rates[metered, .user].take(count, hash: hash, now: reactor.now)
        if wait == nil { noteAhead(allowance.nanoseconds(of: count), metered, hash, user, allowance) }
        return note(wait, metered, .user)
    }

    /// The same for both.
    func wait(for metered: Metered, _ slot: Slot, _ who: Credentials, count: Int = 1) -> UInt64? {
        wait(for: metered, by: address(of: slot), count: count) ?? wait(for: metered, by: who, count: count)
    }

    /// The same for a payload that is to be published.
    func waitToPublish(_ byteCount: Int, _ slot: Slot, _ who: Credentials) -> UInt64? {
        wait(for: .publish, slot, who) ?? wait(for: .publishBytes, slot, who, count: byteCount)
    }

    /// The same for channels that are to be read; a poll begins to read them anew.
    func waitToSubscribe(_ channelCount: Int, _ slot: Slot, _ who: Credentials) -> UInt64? {
        channelCount == 0 ? nil : wait(for: .subscribe, slot, who, count: channelCount)
    }

    /// Whether somebody may have one of something; who may not is told when.
    func mayHave(
        _ metered: Metered,
        _ slot: Slot,
        _ who: Credentials,
        for asker: @autoclosure () -> Asker,
        orSay message: StaticString
    ) -> Bool {
        guard let wait = wait(for: metered, slot, who) else { return true }
        refuse(asker(), status: 429, message, retryMilliseconds: wait)
        return false
    }

    private func note(_ nanoseconds: UInt64?, _ metered: Metered, _ scope: MeteredScope) -> UInt64? {
        guard let nanoseconds else { return nil }
        metrics.overLimit(metered, of: scope).add()
        return nanoseconds / 1_000_000 + 1
    }

    // MARK: Tokens

    /// A token is not taken: each costs a verification.
    func noteTokenRefused(_ slot: Slot) { _ = wait(for: .tokenRefused, by: address(of: slot)) }

    /// Whether so many came from an address that are none that no others are looked at for now.
    func showsTooManyTokens(_ slot: Slot) -> Bool {
        guard rates.has(.tokenRefused, .address) else { return false }
        let address = address(of: slot)
        let hash = address.network.hashValue
        guard !isTrusted(address), rates[.tokenRefused, .address].wait(for: 1, hash: hash, now: reactor.now) != nil
        else { return false }
        metrics.overLimit(.tokenRefused, of: .address).add()
        return true
    }

    // MARK: The cluster

    /// Whether the cluster can be told.
    private var isClusterThere: Bool { node.uplink.isUp.value == 1 }

    /// Whether a user had so much that the cluster may not know of that it has to answer first.
    private func isTooFarAhead(_ metered: Metered, _ hash: Int, _ allowance: Allowance) -> Bool {
        guard let entry = usersAhead.entry(of: metered, hash: hash) else { return false }
        // Where nothing is under way the next one makes it so, if it can be told at all.
        guard entry.toldNanoseconds > 0 || !isClusterThere else { return false }
        return entry.nanoseconds >= aheadNanosecondsMax(allowance)
    }

    private func aheadNanosecondsMax(_ allowance: Allowance) -> UInt64 {
        allowance.savedNanoseconds(percent: limits.userAheadPercent)
    }

    /// Notes what a user had, and tells the cluster once that is a quarter of what it may have ahead of it. While Redis is away what
    /// nodes give is not owed, or it is the end of what they give, as the setting has it.
    private func noteAhead(
        _ nanoseconds: UInt64,
        _ metered: Metered,
        _ hash: Int,
        _ user: MeteredUser,
        _ allowance: Allowance
    ) {
        guard configuration.isClustered, isClusterThere || configuration.ratesWithoutRedis == .refuse else { return }
        guard let place = usersAhead.note(nanoseconds, of: metered, hash: hash) else { return }
        metrics.usersForgotten.set(usersAhead.forgottenCount)
        guard isClusterThere, let told = usersAhead.tell(place, from: aheadNanosecondsMax(allowance) / 4) else {
            return
        }
        let spending = RateSpending(
            // bounded: a place
            ticket: Ticket(reactor: number, number: UInt64(clamping: place)),
            limit: "\(metered.name)",
            who: SecretHash(of: user.text),
            microseconds: told / 1_000 + 1,
            owedMicrosecondsMax: 2 * (allowance.savedNanoseconds / 1_000) + told / 1_000 + 1
        )
        uplink.post(.spend(spending))
    }

    /// The cluster says how many microseconds it is until a user's bucket is full again, with what was told.
    func answerSpending(_ ticket: Ticket, _ outcome: Result<UInt64, BackplaneFailure>) {
        let left = try? outcome.get()
        let isToBeToldAgain = left == nil && configuration.ratesWithoutRedis == .refuse
        guard let place = Int(exactly: ticket.number),
            let entry = usersAhead.answered(place, isToBeToldAgain: isToBeToldAgain), let left
        else { return }
        let nanoseconds = min(left, Allowance.nanosecondsMax / 1_000) * 1_000 + entry.untoldNanoseconds
        rates[entry.metered, .user].raise(to: reactor.now + nanoseconds, hash: entry.hash)
    }
}
