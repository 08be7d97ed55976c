/**
 * Counts tasks and times their cancels, in Effect's own `Metric` registry, from
 * where the exporters of `effect/observability` take them (names and units follow
 * Prometheus). Installed by a layer for the whole tree, wherever in the program the
 * layer is built; not installed, it costs a task one comparison at its start and end.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { Source } from "./CancelReason.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { observe } from "./internal/observers.ts"
import type { ScopeNode } from "./internal/scopeNode.ts"
import type { TaskNode } from "./internal/taskNode.ts"
import { Stragglers } from "./Stragglers.ts"
import type { How } from "./TaskOutcome.ts"

/**
 * What is counted: tasks, and the members of races and joins.
 *
 * @category models
 * @since 0.1.0
 */
export type CountedKind = "task" | "member"

/**
 * The labels of an end; `source` and `how` stand with `cancelled` only.
 *
 * @category models
 * @since 0.1.0
 */
export type EndLabels =
  | { readonly kind: CountedKind; readonly outcome: "completed" | "failed" }
  | { readonly kind: CountedKind; readonly outcome: "cancelled"; readonly source: Source; readonly how: How }

/**
 * `rescind_tasks_started_total`: what was taken on, also if it is then cancelled before its first step.
 *
 * @category metrics
 * @since 0.1.0
 */
export const started = (kind: CountedKind): Metric.Counter<number> =>
  Metric.counter("rescind_tasks_started_total", {
    description: "Tasks, and members of races and joins, that were started",
    incremental: true,
    attributes: { kind }
  })

/**
 * `rescind_tasks_ended_total`: by outcome; cancelled ones also by source and how.
 *
 * @category metrics
 * @since 0.1.0
 */
export const ended = (labels: EndLabels): Metric.Counter<number> =>
  Metric.counter("rescind_tasks_ended_total", {
    description: "Tasks, and members of races and joins, that have ended",
    incremental: true,
    attributes: labels
  })

/**
 * `rescind_task_cancel_duration_seconds`: from the request to the end, or to the moment when the cancel gave up.
 * Whoever finished by itself after the request is timed too.
 *
 * @category metrics
 * @since 0.1.0
 */
export const cancelDuration = (labels: {
  readonly kind: CountedKind
  readonly source: Source
}): Metric.Histogram<number> =>
  Metric.histogram("rescind_task_cancel_duration_seconds", {
    description: "Time from the request to stop to the end",
    attributes: labels,
    boundaries
  })

const boundaries = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * `rescind_tasks_live`: what has not ended now.
 *
 * @category metrics
 * @since 0.1.0
 */
export const live = (kind: CountedKind): Metric.Gauge<number> =>
  Metric.gauge("rescind_tasks_live", {
    description: "Tasks, and members of races and joins, that live now",
    attributes: { kind }
  })

/**
 * `rescind_tasks_cancelling`: those of the live ones that were told to stop.
 *
 * @category metrics
 * @since 0.1.0
 */
export const cancelling = (kind: CountedKind): Metric.Gauge<number> =>
  Metric.gauge("rescind_tasks_cancelling", {
    description: "Live tasks, and members of races and joins, that were told to stop",
    attributes: { kind }
  })

/**
 * `rescind_stragglers`: what a cancel gave up on and still runs.
 *
 * @category metrics
 * @since 0.1.0
 */
export const stragglers: Metric.Gauge<number> = Metric.gauge("rescind_stragglers", {
  description: "Tasks and foreign operations that a cancel gave up on and that still run"
})

/**
 * Counts in the tree, the registry and with the metric attributes of the current
 * fiber, until the scope closes.
 *
 * **Details**
 *
 * The gauges are read from the tree when somebody asks, so they are right for what
 * ran before, too. A task that a closed nursery refused was never started and is
 * not counted. Counts and times outlive the scope, gauges do not.
 *
 * **Gotchas**
 *
 * Two installations that share a tree and a registry count everything twice. A
 * layer that is built once, however often it is provided, is one installation.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const { root } = yield* CurrentNode
  const left = yield* Stragglers
  for (const kind of ["task", "member"] as const) {
    yield* read(live(kind), context, () => count(root, (node) => node.kind === kind))
    yield* read(cancelling(kind), context, () => count(root, (node) => node.kind === kind && node.mark !== undefined))
  }
  yield* read(stragglers, context, () => left.size)
  const series = new Series(context)
  yield* observe(() => ({
    opened: (task) => {
      if (isCounted(task)) series.started(task.kind)
    },
    ended: (task) => {
      if (isCounted(task)) series.ended(task)
    }
  }))
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effectDiscard(make)

type Counted = TaskNode & { readonly kind: CountedKind }

const isCounted = (task: TaskNode): task is Counted => task.kind === "task" || task.kind === "member"

const count = (root: ScopeNode, counts: (node: ScopeNode) => boolean): number => {
  let counted = 0
  root.walk((node) => {
    if (counts(node)) counted++
    return true
  })
  return counted
}

const read = (
  gauge: Metric.Gauge<number>,
  context: Context.Context<never>,
  value: () => number
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() =>
        Metric.registerUnsafe(gauge, context, { get: () => ({ value: value() }), update: () => {}, modify: () => {} })
      ),
      (registration) => Effect.sync(registration.remove)
    )
  )

/** The series that were needed so far: a metric finds its own by a key that takes longer to make than to count. */
class Series {
  private readonly context: Context.Context<never>
  private readonly startedBy = new Map<string, Metric.Counter<number>>()
  private readonly endedBy = new Map<string, Metric.Counter<number>>()
  private readonly durationBy = new Map<string, Metric.Histogram<number>>()

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  started(kind: CountedKind): void {
    at(this.startedBy, kind, () => started(kind)).updateUnsafe(1, this.context)
  }

  ended(task: Counted): void {
    const { how, kind, mark, verdict } = task
    const outcome = verdict!
    const source = mark?.reason.source
    if (outcome !== "cancelled") {
      at(this.endedBy, `${kind} ${outcome}`, () => ended({ kind, outcome })).updateUnsafe(1, this.context)
    } else {
      at(this.endedBy, `${kind} ${source} ${how}`, () => ended({ kind, outcome, source: source!, how })).updateUnsafe(
        1,
        this.context
      )
    }
    if (source === undefined) return
    const seconds = Math.max(0, task.endedAt - mark!.at) / 1000
    at(this.durationBy, `${kind} ${source}`, () => cancelDuration({ kind, source })).updateUnsafe(seconds, this.context)
  }
}

const at = <A>(series: Map<string, A>, key: string, make: () => A): A => {
  let found = series.get(key)
  if (found === undefined) series.set(key, (found = make()))
  return found
}
