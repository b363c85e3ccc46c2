/* What the page needs of onnxruntime-web, with a network whose numbers are made up: test_exported_page.py has the same. */

const VOCABULARY = 300, EOS = 3;
export const env = { wasm: {} };
export const InferenceSession = {
  create: async () => ({ run: async (inputs) => ("src" in inputs ? encoded(inputs) : decoded(inputs)) }),
};

export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
}

function encoded({ src }) {
  const [rows] = src.dims, values = Float32Array.from(src.data, Number);
  return {
    values: new Tensor("float32", values, [...src.dims, 1]),
    state_0: new Tensor("float32", new Float32Array(rows), [rows, 1, 1]),
  };
}

function decoded({ ids, values, state_0 }) {
  const [rows, width] = ids.dims, states = new Float32Array(rows * width);
  const logProbs = new Float32Array(states.length * VOCABULARY);
  for (let place = 0; place < states.length; place++) {
    const [row, length] = [Math.floor(place / width), values.dims[1]];
    const sum = values.data.slice(row * length, (row + 1) * length).reduce((one, other) => one + other);
    const state = states[place] = (state_0.data[place] * 3 + Number(ids.data[place]) + sum) % 997;
    for (let token = 0; token < VOCABULARY; token++) {
      logProbs[place * VOCABULARY + token] = -((state * 7919 + token * 104729 + state * token * 31) % 1000003) / 65536;
    }
    logProbs[place * VOCABULARY + EOS] = -((state * 31) % 101) / 50;
  }
  return {
    log_probs: new Tensor("float32", logProbs, [rows, width, VOCABULARY]),
    next_state_0: new Tensor("float32", states, [rows, width, 1]),
  };
}
