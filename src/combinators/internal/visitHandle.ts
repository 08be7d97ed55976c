/** What branches and outsiders can do with a visit. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import type { CancelResult } from "../../fibers/CancelResult.ts"
import { cancelOn } from "../../fibers/internal/cancelAs.ts"
import { CurrentNode } from "../../fibers/internal/currentNode.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { HookOptions, Visit } from "../Visit.ts"
import type { VisitState } from "../VisitState.ts"
import type { BranchNode } from "./branchNode.ts"
import type { VisitNode } from "./visitNode.ts"

/** The branches are made with the handle, before there is a node. */
export const visitHandle = (merge: string, node: () => VisitNode | undefined): Visit<any, any> => {
  const withNode = <A, E = never, R = never>(f: (node: VisitNode) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const visit = node()
      return visit === undefined ? Effect.die(new Error(`The visit of "${merge}" has not begun`)) : f(visit)
    })
  const compensate = <R>(hook: Effect.Effect<unknown, unknown, R>, options?: HookOptions) =>
    withNode<void, never, R>((visit) =>
      Effect.withFiber((fiber) => {
        const branch = branchAround(fiber.getRef(CurrentNode), visit)
        return branch === undefined
          ? Effect.die(new Error(`Only a branch of the merge "${merge}" has steps to undo: call it inside one`))
          : Effect.contextWith((context: Context.Context<R>) =>
              branch.addHook(
                {
                  step: options?.step ?? `step ${branch.hookCount + 1}`,
                  // Whichever scope of the branch registers it: the hook belongs to the branch.
                  effect: Effect.provideContext(Effect.provideService(hook, CurrentNode, branch), context),
                  within:
                    options?.within === undefined ? visit.undoWithin : CancelPolicy.bound("within", options.within)
                },
                () => visit.undoes(branch),
                visit.hookEnded
              )
            )
      })
    )
  return {
    merge,
    compensate,
    arrive: (path, value) => withNode((visit) => Effect.succeed(visit.arrive(path, value))),
    state: Effect.sync(() => stateOf(merge, node())),
    step: (step, effect, undo, options) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.tap(options?.interruptible === true ? restore(effect) : effect, (value) =>
          compensate(undo(value), { step, within: options?.within })
        )
      ),
    cancel: (name, options) =>
      withNode((visit) =>
        Effect.withFiber((fiber) => {
          const branch = visit.branch(name)
          return branch === undefined
            ? Effect.succeed<CancelResult>({ _tag: "NotFound", id: name })
            : cancelOn(fiber, branch, options, true)
        })
      )
  }
}

const branchAround = (here: ScopeNode, visit: VisitNode): BranchNode | undefined => {
  for (let node: ScopeNode | undefined = here; node !== undefined; node = node.up) {
    if (node.up === visit) return node as BranchNode
  }
  return undefined
}

const stateOf = (merge: string, visit: VisitNode | undefined): VisitState => {
  if (visit?.decision !== undefined) {
    const { at, winner } = visit.decision
    return { _tag: "Decided", merge, winner, at: DateTime.makeUnsafe(at) }
  }
  return visit?.over === true ? { _tag: "Undecided", merge, how: visit.howOver } : { _tag: "Open", merge }
}
