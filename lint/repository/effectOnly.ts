/**
 * Code in `src` waits, fails, tells the time and reaches the network through Effect only: what goes around it cannot be
 * cancelled, has no reason and ignores the test clock. The one adapter that needs the host says so where it does:
 * `// oxlint-disable-next-line repository/effect-only -- why`.
 */
import { defineRule, type ESTree } from "@oxlint/plugins"

const instead = new Map([
  ["setTimeout", "Effect.sleep or Effect.delay"],
  ["setInterval", "Effect.repeat with a Schedule"],
  ["setImmediate", "Effect.yieldNow"],
  ["queueMicrotask", "Effect.yieldNow"],
  ["fetch", "HttpClient"],
  ["Date.now", "Clock.currentTimeMillis"],
  ["new Date()", "DateTime.now"],
  ["performance.now", "Clock.currentTimeNanos"],
  ["async", "Effect.gen"],
  ["await", "Effect.gen and yield*, or Effect.promise at the edge"],
  ["try", "Effect.try for foreign code, Effect.catch for failures, Effect.ensuring for clean-up"]
])

export const effectOnly = defineRule({
  meta: {
    type: "problem",
    messages: { host: "No `{{name}}` in src, it cannot be cancelled, timed or typed by Effect. Use {{instead}}." }
  },
  create(context) {
    const report = (node: ESTree.Node, name: string): void =>
      context.report({ node, messageId: "host", data: { name, instead: instead.get(name) ?? "Effect" } })
    return {
      FunctionDeclaration: (node) => node.async && report(node, "async"),
      FunctionExpression: (node) => node.async && report(node, "async"),
      ArrowFunctionExpression: (node) => node.async && report(node, "async"),
      AwaitExpression: (node) => report(node, "await"),
      TryStatement: (node) => report(node, "try"),
      NewExpression: (node) => {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
          report(node, "new Date()")
        }
      },
      // Also where a host function is handed on without being called: `{ now: Date.now }`.
      MemberExpression: (node) => {
        const name = context.sourceCode.getText(node).replace(/^globalThis\./, "")
        if (instead.has(name)) report(node, name)
      },
      Identifier: (node) => {
        if (instead.has(node.name) && context.sourceCode.isGlobalReference(node)) report(node, node.name)
      }
    }
  }
})
