internal import Backplane
internal import Broker
internal import Hub

/// Patterns, sessions, tokens, presence, and what operators ask.
extension MetricsText {
    mutating func appendSessions(_ node: NodeStatus) {
        appendPatterns(node)
        appendHeldSessions(node)
        appendAccess(node)
        appendLackingSessions(node)
        appendMembers(node)
        appendQuestions(node)
        appendWills(node)
        appendCheckpoints(node)
    }

    /// What clients read by pattern.
    private mutating func appendPatterns(_ node: NodeStatus) {
        let uplink = node.uplink
        gauge("perseid_patterns", "Patterns that clients of this node are subscribed to.", uplink.patterns.value)
        gauge(
            "perseid_pattern_channels",
            "Channels that the patterns of this node's clients stand for now.",
            uplink.patternChannels.value
        )
        counter(
            "perseid_pattern_channels_refused_total",
            "Publications that a pattern's readers did not get, because the pattern stands for too many channels already.",
            uplink.patternChannelsRefused.value
        )
        counter(
            "perseid_pattern_searches_total",
            "Times that the node looked in Redis for the channels of a pattern.",
            uplink.patternSearches.value
        )
    }

    /// The sessions of this node, where they came from and where they went.
    private mutating func appendHeldSessions(_ node: NodeStatus) {
        let uplink = node.uplink
        gauge("perseid_sessions", "Sessions that this node holds.", uplink.sessions.value)
        gauge(
            "perseid_bulk_waiting",
            "Requests for sessions and presence that wait until Redis has answered others.",
            uplink.bulkWaiting.value
        )
        counter(
            "perseid_sessions_opened_total",
            "Sessions that clients opened on this node.",
            uplink.sessionsOpened.value
        )
        counter(
            "perseid_sessions_resumed_total",
            "Sessions that this node took over from another node, or from Redis.",
            uplink.sessionsResumed.value
        )
        counter(
            "perseid_sessions_found_total",
            "Polls whose session this node had in memory.",
            uplink.sessionsFound.value
        )
        counter(
            "perseid_sessions_taken_total",
            "Sessions of this node that another node or connection took over.",
            uplink.sessionsTaken.value
        )
    }

    /// What access tokens and rules came to.
    private mutating func appendAccess(_ node: NodeStatus) {
        counter(
            "perseid_access_tokens_total",
            "Access tokens that the node checked.",
            sum(node, \.accessTokensLookedAt)
        )
        counter(
            "perseid_access_tokens_refused_total",
            "Requests that the node refused because of their access token.",
            sum(node, \.accessTokensRefused)
        )
        counter(
            "perseid_access_tokens_revoked_total",
            "Readers that the node disconnected because somebody revoked their access token.",
            sum(node, \.accessTokensRevoked)
        )
        counter(
            "perseid_access_tokens_expired_total",
            "Readers that the node disconnected because their access token expired.",
            sum(node, \.accessTokensExpired)
        )
        counter(
            "perseid_forbidden_total",
            "Requests and commands that a rule, a hook or the scopes of a key did not allow.",
            sum(node, \.forbidden)
        )
    }

    /// Sessions that there are no more, or not yet, or again.
    private mutating func appendLackingSessions(_ node: NodeStatus) {
        let uplink = node.uplink
        counter(
            "perseid_sessions_refused_total",
            "Session tokens that the node refused, because there is no such session any more or never was.",
            sum(node, \.tokensRefused)
        )
        let unopened = sum(node, \.sessionsUnopened) + uplink.sessionsUnopened.value
        counter("perseid_sessions_unopened_total", "Times that a client got no session because of a limit.", unopened)
        counter(
            "perseid_sessions_restored_total",
            "Sessions that Redis had lost and this node wrote to it again.",
            uplink.sessionsRestored.value
        )
    }

    /// Members, and what is done for many readers at once.
    private mutating func appendMembers(_ node: NodeStatus) {
        let uplink = node.uplink
        gauge("perseid_members", "Members that this node has in channels with presence.", uplink.members.value)
        counter(
            "perseid_errand_turns_total",
            "Turns in which a reactor went on with something that concerns many readers, such as a revocation.",
            sum(node, \.errandTurns)
        )
        counter(
            "perseid_member_details_left_out_total",
            "Members of whom the node did not tell others everything, because it was too long.",
            sum(node, \.memberDetailsLeftOut)
        )
    }

    /// What nodes ask of each other and tell each other.
    private mutating func appendQuestions(_ node: NodeStatus) {
        let uplink = node.uplink
        counter(
            "perseid_cluster_questions_total",
            "Questions that operators asked all nodes through this one.",
            uplink.clusterQuestions.value
        )
        counter(
            "perseid_cluster_questions_incomplete_total",
            "Questions of operators to which some node did not answer in time.",
            uplink.clusterQuestionsIncomplete.value
        )
        counter(
            "perseid_facts_total",
            "Times that the node told others its state, for the console and perseid top.",
            uplink.factsTold.value
        )
        gauge(
            "perseid_facts_listeners",
            "Nodes on which somebody watches the state of the cluster.",
            uplink.factsListeners.value
        )
    }

    /// What is told of the readers of nodes that died.
    private mutating func appendWills(_ node: NodeStatus) {
        let uplink = node.uplink
        gauge(
            "perseid_will_entries",
            "Readers whose leaving another node would report to the backend if this node died.",
            uplink.willEntries.value
        )
        counter(
            "perseid_wills_lost_total",
            "Times that the node told Redis again which readers others report if it dies, because Redis had lost that or others had taken the node for dead.",
            uplink.willsLost.value
        )
        counter(
            "perseid_wills_executed_total",
            "Dead nodes for which this node reported to the backend that their readers left.",
            uplink.willsExecuted.value
        )
        counter(
            "perseid_will_readers_told_total",
            "Readers of dead nodes whose leaving this node reported to the backend.",
            uplink.willReadersTold.value
        )
    }

    /// Where the positions of sessions were noted.
    private mutating func appendCheckpoints(_ node: NodeStatus) {
        let uplink = node.uplink
        counter(
            "perseid_checkpoints_total",
            "Times that a session's position was noted because its client confirmed what it has.",
            sum(node, \.hub.checkpoints)
        )
        counter(
            "perseid_session_writes_total",
            "Times that the node wrote a session to Redis.",
            uplink.sessionWrites.value
        )
        counter(
            "perseid_session_write_failures_total",
            "Times that the node could not write a session to Redis and has to write it again.",
            uplink.sessionWritesFailed.value
        )
    }
}
