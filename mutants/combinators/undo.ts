/** Breaks of how losing branches undo what they did (K15, K16, K18, S0-86). */
import type { Mutant } from "../Mutant.ts"

const merge = ["test/combinators/FirstWins.test.ts"]
const node = "src/combinators/internal/visitNode.ts"
const branch = "src/combinators/internal/branchNode.ts"
const handle = "src/combinators/internal/visitHandle.ts"
const api = "src/combinators/FirstWins.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "hooks run in the order of the steps",
    law: "S0-86",
    file: branch,
    find: "const hook = this.hooks?.pop()",
    replace: "const hook = this.hooks?.shift()",
    tests: merge
  },
  {
    name: "hooks run before the finalizers of their branch",
    law: "S0-86 K15",
    file: branch,
    find: '        Effect.ensuring(\n          Scope.close(own, exit),\n          Effect.suspend(() => {\n            this.undoing = "now"\n            return this.undo(told)\n          })\n        ),',
    replace:
      '        Effect.ensuring(\n          Effect.suspend(() => {\n            this.undoing = "now"\n            return this.undo(told)\n          }),\n          Scope.close(own, exit)\n        ),',
    tests: merge
  },
  {
    name: "the finalizers of a branch with hooks do not run",
    law: "K15",
    file: branch,
    find: "          Scope.close(own, exit),\n",
    replace: "          Effect.void,\n",
    tests: merge
  },
  {
    name: "a hook that is registered in the clean-up never runs",
    law: "S0-86",
    file: branch,
    find: 'return this.undoing === "now" ? this.undo(told) : Effect.void',
    replace: "return Effect.void",
    tests: merge
  },
  {
    name: "a hook that is registered after the end of its branch never runs",
    law: "S0-86",
    file: branch,
    find: 'if (this.undoing === "no" && this.exit !== undefined && lost()) this.undoing = "now"\n',
    replace: "",
    tests: merge
  },
  {
    name: "a hook that is registered in the clean-up of a winner runs",
    law: "S0-86",
    file: branch,
    find: "this.exit !== undefined && lost())",
    replace: "this.exit !== undefined)",
    tests: merge
  },
  {
    name: "a hook that is registered while its branch runs is run at once",
    law: "S0-86",
    file: branch,
    find: 'if (this.undoing === "no" && this.exit !== undefined && lost())',
    replace: 'if (this.undoing === "no" && lost())',
    tests: merge
  },
  {
    name: "a hook that fails stops the others",
    law: "S0-86",
    file: branch,
    find: "return Effect.flatMap(Effect.exit(this.bounded(hook)), (exit) => {",
    replace:
      "return Effect.flatMap(Effect.map(Effect.orDie(this.bounded(hook)), Exit.succeed) as Effect.Effect<Exit.Exit<unknown, unknown>>, (exit) => {",
    tests: merge
  },
  {
    name: "a hook that fails does not stand in the report",
    law: "S0-86",
    file: branch,
    find: "failure: Exit.isFailure(exit) ? exit.cause : undefined",
    replace: "failure: undefined",
    tests: merge
  },
  {
    name: "only one hook of a branch runs",
    law: "S0-86",
    file: branch,
    find: "        return this.undo(told)\n      })\n    })",
    replace: "        return Effect.void\n      })\n    })",
    tests: merge
  },
  {
    name: "a hook has no bound",
    law: "S0-86",
    file: branch,
    find: "if (!Duration.isFinite(within)) return effect\n",
    replace: "if (Duration.isFinite(within)) return effect\n",
    tests: merge
  },
  {
    name: "a hook that timed out is not named",
    law: "S0-86",
    file: branch,
    find: "new HookTimedOut({ path: this.name, step, within })",
    replace: "new HookTimedOut({ path: step, step: this.name, within })",
    tests: merge
  },
  {
    name: "what the winner did is undone",
    law: "S0-86",
    file: node,
    find: "if (this.decision !== undefined) return this.decision.winner !== branch.name",
    replace: "if (this.decision !== undefined) return true",
    tests: merge
  },
  {
    name: "nothing that losers did is undone",
    law: "S0-86",
    file: node,
    find: "if (this.decision !== undefined) return this.decision.winner !== branch.name",
    replace: "if (this.decision !== undefined) return false",
    tests: merge
  },
  {
    name: "a visit that fails undoes unasked",
    law: "S0-86",
    file: node,
    find: "if (this.interrupted || this.failed.size > 0) return this.settings.undoAlways",
    replace: "if (this.interrupted) return this.settings.undoAlways",
    tests: merge
  },
  {
    name: "a visit that is cancelled undoes unasked",
    law: "S0-86",
    file: node,
    find: "if (this.interrupted || this.failed.size > 0) return this.settings.undoAlways",
    replace: "if (this.failed.size > 0) return this.settings.undoAlways",
    tests: merge
  },
  {
    name: "`undo: always` is the same as `losers`",
    law: "S0-86",
    file: api,
    find: 'undoAlways: options?.undo === "always"',
    replace: "undoAlways: false",
    tests: merge
  },
  {
    name: "a branch that is out alone undoes nothing",
    law: "S0-86",
    file: node,
    find: "return this.settings.undoAlways\n    return true",
    replace: "return this.settings.undoAlways\n    return false",
    tests: merge
  },
  {
    name: "hooks that ran do not stand in the report",
    law: "S0-86",
    file: node,
    find: "this.undone.push(undone)\n",
    replace: "",
    tests: merge
  },
  {
    name: "every hook is logged as one that failed",
    law: "S0-86 K16",
    file: node,
    find: "if (undone.failure === undefined) return\n",
    replace: "",
    tests: merge
  },
  {
    name: "the bound of a merge for its hooks is ignored",
    law: "S0-86",
    file: handle,
    find: "options?.within === undefined ? visit.undoWithin",
    replace: "options?.within === undefined ? CancelPolicy.shutdown.giveUp",
    tests: merge
  },
  {
    name: "the bound of a hook is ignored",
    law: "S0-86",
    file: handle,
    find: 'CancelPolicy.bound("within", options.within)',
    replace: "visit.undoWithin",
    tests: merge
  },
  {
    name: "hooks of a branch have one name for all",
    law: "S0-86",
    file: handle,
    find: "`step ${branch.hookCount + 1}`",
    replace: "`step ${branch.hookCount}`",
    tests: merge
  },
  {
    name: "a hook does not read why its branch lost",
    law: "K18 S0-86",
    file: handle,
    find: "Effect.provideService(hook, CurrentNode, branch)",
    replace: "hook",
    tests: merge
  },
  {
    name: "a hook outside of a branch goes to another's branch",
    law: "S0-86",
    file: handle,
    find: "if (node.up === visit) return node as BranchNode",
    replace: 'if (node.up?.kind === "race") return node as BranchNode',
    tests: merge
  },
  {
    name: "between a step and its hook a cancel may strike",
    law: "K15",
    file: handle,
    find: "Effect.uninterruptibleMask((restore) =>",
    replace:
      "((f: (restore: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) => Effect.Effect<any, any, any>) => f((self) => self))((restore) =>",
    tests: merge
  },
  {
    name: "an interruptible step is not interrupted",
    law: "S0-11",
    file: handle,
    find: "options?.interruptible === true ? restore(effect) : effect",
    replace: "effect",
    tests: merge
  },
  {
    name: "a step is interruptible unasked",
    law: "K15",
    file: handle,
    find: "options?.interruptible === true ? restore(effect) : effect",
    replace: "restore(effect)",
    tests: merge
  },
  {
    name: "the bound of a step's hook is dropped",
    law: "S0-86",
    file: handle,
    find: "compensate(undo(value), { step, within: options?.within })",
    replace: "compensate(undo(value), { step })",
    tests: merge
  },
  {
    name: "the name of a step is dropped",
    law: "S0-86",
    file: handle,
    find: "compensate(undo(value), { step, within: options?.within })",
    replace: "compensate(undo(value), { within: options?.within })",
    tests: merge
  }
]
