/**
 * What runs now, as a tree: every open scope and task with its state, age, and,
 * where a cancel is under way, why and since when; and the stragglers. As data,
 * as JSON (the data is JSON) and as text.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CancelReason from "./CancelReason.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import type { ScopeNode } from "./internal/scopeNode.ts"
import { TaskNode } from "./internal/taskNode.ts"
import { Stragglers } from "./Stragglers.ts"

/**
 * One scope or task; `id` is unique in this process. `ageMillis` counts from the start of its fiber; `in` names
 * the shield that it sits in, else the span that its fiber is in. A straggler has below it what it still runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface TreeNode {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly state: "waiting" | "running" | "requested" | "cancelling" | "closing" | "straggling"
  /** From 2 on: of a task that was restarted, or started again under its id. */
  readonly attempt?: number
  readonly ageMillis?: number
  readonly reason?: CancelReason.CancelReason
  readonly askedMillisAgo?: number
  readonly deadline?: string
  readonly in?: string
  readonly children: ReadonlyArray<TreeNode>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  readonly tree: TreeNode
  readonly stragglers: ReadonlyArray<TreeNode>
}

/**
 * The whole tree that the current fiber belongs to.
 *
 * @category reading
 * @since 0.1.0
 */
export const snapshot: Effect.Effect<Snapshot> = Effect.withFiber((fiber) => {
  const { root } = fiber.getRef(CurrentNode)
  return Effect.succeed({
    tree: nodesBelow(root),
    stragglers: Array.from(fiber.getRef(Stragglers), nodesBelow)
  })
})

const nodesBelow = (root: ScopeNode): TreeNode => {
  // Children first, without recursion: the tree may be deeper than the stack.
  const order: Array<ScopeNode> = []
  root.walk((node) => {
    order.push(node)
    return true
  })
  const described = new Map<ScopeNode, TreeNode>()
  for (let index = order.length - 1; index >= 0; index--) {
    const node = order[index]!
    described.set(
      node,
      describe(
        node,
        node.children().map((child) => described.get(child)!)
      )
    )
  }
  return described.get(root)!
}

const describe = (node: ScopeNode, children: ReadonlyArray<TreeNode>): TreeNode => {
  const now = node.clock.currentTimeMillisUnsafe()
  const task = node instanceof TaskNode ? node : undefined
  const shield = task && node.children().find(({ kind }) => kind === "shield")
  const span = task?.fiber?.cache?.span
  return {
    id: idOf(node),
    kind: node.kind,
    name: node.name,
    state: stateOf(node, task),
    ...(task === undefined || task.attempt === 1 ? {} : { attempt: task.attempt }),
    ...(task === undefined || Number.isNaN(task.startedAt) ? {} : { ageMillis: Math.max(0, now - task.startedAt) }),
    ...(node.mark === undefined ? {} : { reason: node.mark.reason, askedMillisAgo: Math.max(0, now - node.mark.at) }),
    ...deadlineOf(node),
    ...(shield !== undefined ? { in: `shield ${shield.name}` } : span?._tag === "Span" ? { in: span.name } : {}),
    children
  }
}

const ids = new WeakMap<ScopeNode, string>()
let lastId = 0

/** Numbered when first looked at. */
const idOf = (node: ScopeNode): string => {
  const id = ids.get(node) ?? String(++lastId)
  ids.set(node, id)
  return id
}

const stateOf = (node: ScopeNode, task: TaskNode | undefined): TreeNode["state"] => {
  if (node.gone) return "straggling"
  if (node.interrupted) return "cancelling"
  if (task?.exit !== undefined) return "closing"
  if (node.mark !== undefined) return "requested"
  return task !== undefined && Number.isNaN(task.startedAt) ? "waiting" : "running"
}

/**
 * The codec of a snapshot, for wires.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Wire: Schema.Codec<TreeNode, unknown> = Schema.toCodecJson(
  Schema.Struct({
    id: Schema.String,
    kind: Schema.String,
    name: Schema.String,
    state: Schema.Literals(["waiting", "running", "requested", "cancelling", "closing", "straggling"]),
    attempt: Schema.optionalKey(Schema.Number),
    ageMillis: Schema.optionalKey(Schema.Number),
    reason: Schema.optionalKey(CancelReason.Wire),
    askedMillisAgo: Schema.optionalKey(Schema.Number),
    deadline: Schema.optionalKey(Schema.String),
    in: Schema.optionalKey(Schema.String),
    children: Schema.Array(Schema.suspend((): Schema.Codec<TreeNode, unknown> => Wire))
  }).annotate({ identifier: "TaskTreeNode" })
)

/**
 * One line a node, indented by depth; stragglers follow under their own head.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toText = (snapshot: Snapshot): string => {
  const lines: Array<string> = []
  const write = (root: TreeNode, at: number) => {
    const pending: Array<readonly [TreeNode, number]> = [[root, at]]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [node, depth] = next
      lines.push(lineOf(node, depth))
      for (let index = node.children.length - 1; index >= 0; index--) pending.push([node.children[index]!, depth + 1])
    }
  }
  write(snapshot.tree, 0)
  if (snapshot.stragglers.length > 0) {
    lines.push("stragglers")
    for (const node of snapshot.stragglers) write(node, 1)
  }
  return lines.join("\n")
}

const deepest = 32

/** As text, unless it is further away than dates go. */
const deadlineOf = ({ deadline }: ScopeNode): { readonly deadline?: string } =>
  deadline === undefined
    ? {}
    : Option.match(DateTime.make(deadline), {
        onNone: () => ({}),
        onSome: (at) => ({ deadline: DateTime.formatIso(at) })
      })

const lineOf = (node: TreeNode, depth: number): string => {
  // A deep chain is told by its depth: indenting all of it would be quadratic.
  const indent = depth <= deepest ? "  ".repeat(depth) : `${"  ".repeat(deepest)}[${depth}] `
  const parts = [`${indent}${node.name}`, `(${node.kind})`, node.state]
  if (node.attempt !== undefined) parts.push(`attempt ${node.attempt}`)
  if (node.ageMillis !== undefined) parts.push(`for ${node.ageMillis} ms`)
  if (node.reason !== undefined) {
    const by = node.reason.by === undefined ? "" : ` by ${node.reason.by}`
    parts.push(`asked ${node.askedMillisAgo} ms ago: ${node.reason.source}${by}, "${node.reason.message}"`)
  }
  if (node.deadline !== undefined) parts.push(`until ${node.deadline}`)
  if (node.in !== undefined) parts.push(`in ${node.in}`)
  return parts.join(" ")
}
