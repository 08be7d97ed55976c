/** Puts a mutant into the text of its file. A list that does not keep up with the code is told so here. */
import { parseAst } from "rolldown/parseAst"
import type { Mutant } from "../Mutant.ts"

export type Applied =
  | { readonly _tag: "Applied"; readonly source: string }
  | { readonly _tag: "DoesNotApply"; readonly why: string }
  | { readonly _tag: "Broken"; readonly why: string }

export const apply = (mutant: Mutant, source: string): Applied => {
  const found = source.split(mutant.find).length - 1
  if (mutant.find === "") return { _tag: "DoesNotApply", why: "find is empty" }
  if (found !== 1) return { _tag: "DoesNotApply", why: `find occurs ${found} times in ${mutant.file}, not once` }
  // A replacer function: `$&` and the like in the replacement are text.
  const mutated = source.replace(mutant.find, () => mutant.replace)
  if (mutated === source) return { _tag: "DoesNotApply", why: "replace is the same as find" }
  const problem = syntaxError(mutated)
  return problem === undefined ? { _tag: "Applied", source: mutated } : { _tag: "Broken", why: problem }
}

const syntaxError = (source: string): string | undefined => {
  try {
    parseAst(source, { lang: "ts" })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
