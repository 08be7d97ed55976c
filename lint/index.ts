/**
 * The lint plugin: rules that keep code which no cancel can stop out of Effect programs. It runs in oxlint
 * (`jsPlugins`) and in ESLint 10, and has no dependency of its own.
 *
 * @since 0.1.0
 */
import type { CreateRule } from "@oxlint/plugins"
import { callbackCleanUp } from "./rules/callbackCleanUp.ts"
import { noAsyncBody } from "./rules/noAsyncBody.ts"
import { noBareUninterruptible } from "./rules/noBareUninterruptible.ts"
import { noBlockingCall } from "./rules/noBlockingCall.ts"
import { noCancelFlag } from "./rules/noCancelFlag.ts"
import { noDetachedFork } from "./rules/noDetachedFork.ts"
import { noPollingLoop } from "./rules/noPollingLoop.ts"
import { noRunInside } from "./rules/noRunInside.ts"
import { noStarvingLoop } from "./rules/noStarvingLoop.ts"
import { noTimerSleep } from "./rules/noTimerSleep.ts"
import { passTheSignal } from "./rules/passTheSignal.ts"

/**
 * A rule as both linters take it. Its context and visitor are theirs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly meta: {
    readonly type: "problem"
    readonly docs: { readonly description: string; readonly recommended: boolean }
    readonly messages: Record<string, string>
    readonly hasSuggestions?: boolean
    readonly schema?: Array<object>
  }
  // Each linter has types of its own for these, and neither is a dependency.
  readonly create: (context: any) => any
}

/**
 * @category models
 * @since 0.1.0
 */
export type RuleName =
  | "callback-clean-up"
  | "no-async-body"
  | "no-bare-uninterruptible"
  | "no-blocking-call"
  | "no-cancel-flag"
  | "no-detached-fork"
  | "no-polling-loop"
  | "no-run-inside"
  | "no-starving-loop"
  | "no-timer-sleep"
  | "pass-the-signal"

/**
 * @category models
 * @since 0.1.0
 */
export interface Plugin {
  readonly meta: { readonly name: "rescind" }
  readonly rules: Record<RuleName, Rule>
  readonly configs: {
    /** Every rule as an error: for ESLint a configuration, for oxlint its `rules`. */
    readonly recommended: {
      readonly name: string
      readonly plugins: { readonly rescind: Plugin }
      readonly rules: Record<`rescind/${RuleName}`, "error">
    }
  }
}

const rules: Record<RuleName, CreateRule> = {
  "callback-clean-up": callbackCleanUp,
  "no-async-body": noAsyncBody,
  "no-bare-uninterruptible": noBareUninterruptible,
  "no-blocking-call": noBlockingCall,
  "no-cancel-flag": noCancelFlag,
  "no-detached-fork": noDetachedFork,
  "no-polling-loop": noPollingLoop,
  "no-run-inside": noRunInside,
  "no-starving-loop": noStarvingLoop,
  "no-timer-sleep": noTimerSleep,
  "pass-the-signal": passTheSignal
}

/**
 * @category plugin
 * @since 0.1.0
 */
const plugin: Plugin = {
  meta: { name: "rescind" },
  rules: rules as unknown as Record<RuleName, Rule>,
  configs: {
    recommended: {
      name: "rescind/recommended",
      plugins: {
        get rescind() {
          return plugin
        }
      },
      rules: Object.fromEntries(
        Object.keys(rules).map((name) => [`rescind/${name}`, "error"])
      ) as Plugin["configs"]["recommended"]["rules"]
    }
  }
}

export default plugin
