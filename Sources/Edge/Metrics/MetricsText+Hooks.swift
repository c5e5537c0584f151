internal import Broker
internal import Hooks
internal import Hub

/// What backends are asked, and sets of keys.
extension MetricsText {
    mutating func appendHooks(_ node: NodeStatus) {
        let hooks = node.hooks
        appendAnswers(hooks)
        of(hooks, "perseid_hook_under_way", "gauge", "Requests to backends that are not answered yet.", \.underWay)
        of(
            hooks,
            "perseid_hook_waiting",
            "gauge",
            "Questions to backends that wait until another request has ended.",
            \.waiting
        )
        of(
            hooks,
            "perseid_hook_open",
            "gauge",
            "1 while the node does not ask a backend, because it failed too often.",
            \.isOpen
        )
        of(hooks, "perseid_hook_lost_total", "counter", "Notices to backends that the node gave up.", \.lost)
        of(
            hooks,
            "perseid_hook_answer_microseconds_total",
            "counter",
            "Time that backends took for all their answers together.",
            \.answerMicroseconds
        )
        let refused = sum(node, \.hookQuestionsRefused)
        counter(
            "perseid_hook_questions_refused_total",
            "Questions that the node did not ask backends, because too many waited already.",
            refused
        )
        appendKeySets(hooks)
    }

    private mutating func appendAnswers(_ hooks: HookMetrics) {
        begin("perseid_hook_answers_total", "counter", "Answers of backends to hooks, by hook and by what they said.")
        for hook in HookName.allCases {
            append(
                "{hook=\"\(hook.rawValue)\",answer=\"yes\"}",
                of: "perseid_hook_answers_total",
                hooks[hook].allowed.value
            )
            append(
                "{hook=\"\(hook.rawValue)\",answer=\"no\"}",
                of: "perseid_hook_answers_total",
                hooks[hook].refused.value
            )
        }
        begin("perseid_hook_failures_total", "counter", "Questions that backends did not answer, by hook and reason.")
        for hook in HookName.allCases {
            for (failure, counter) in zip(HookFailure.allCases, hooks[hook].failures) {
                let labels = "{hook=\"\(hook.rawValue)\",reason=\"\(failure.rawValue)\"}"
                append(labels, of: "perseid_hook_failures_total", counter.value)
            }
        }
    }

    private mutating func appendKeySets(_ hooks: HookMetrics) {
        gauge("perseid_key_sets", "Sets of keys that the node fetches by URL.", hooks.keySets.value)
        gauge(
            "perseid_key_sets_missing",
            "Sets of keys that the node could not fetch even once so far.",
            hooks.keySetsMissing.value
        )
        counter(
            "perseid_key_set_fetches_total",
            "Times that the node fetched a set of keys.",
            hooks.keySetsFetched.value
        )
        counter(
            "perseid_key_set_failures_total",
            "Times that the node could not fetch a set of keys.",
            hooks.keySetsFailed.value
        )
    }

    mutating func of(
        _ hooks: HookMetrics,
        _ name: String,
        _ kind: String,
        _ meaning: String,
        _ path: KeyPath<HookMetrics.OfHook, Counter>
    ) {
        begin(name, kind, meaning)
        for hook in HookName.allCases {
            append("{hook=\"\(hook.rawValue)\"}", of: name, hooks[hook][keyPath: path].value)
        }
    }
}
