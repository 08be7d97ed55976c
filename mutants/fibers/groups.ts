/** Owners of children: nurseries, and what races and joins share with them. */
import type { Mutant } from "../Mutant.ts"

const group = "src/fibers/internal/groupNode.ts"
const nursery = "src/fibers/internal/nurseryNode.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a nursery returns while a child still lives",
    law: "K1 K2",
    file: group,
    find: "if (!this.gone && this.live === 0 && this.done) this.close()",
    replace: "if (!this.gone && this.done) this.close()",
    tests: ["test/fibers/Nursery.test.ts"]
  },
  {
    name: "background children are not cancelled when the body has ended",
    law: "K2",
    file: nursery,
    find: "if (this.foreground === 0 && this.body !== undefined) this.closeBackground()",
    replace: "if (this.foreground === 0 && this.body !== undefined) this.closing = true",
    tests: ["test/fibers/Nursery.test.ts"]
  }
]
