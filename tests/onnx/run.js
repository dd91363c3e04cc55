// Runs ONNX files under onnxruntime.
//
//     run.js NODE_MODULES FOLDER
//
// For each FOLDER/NAME.onnx, FOLDER/NAME.json is an array of rows of numbers (null: NaN).
// Prints a JSON object: the rows that come out, by NAME. onnxruntime-node is the one of
// package.json, in the folder NODE_MODULES.
const fs = require('fs');
const path = require('path');
const [modules, folder] = process.argv.slice(2);
const ort = require(path.resolve(modules, 'onnxruntime-node'));

async function run(name) {
  const rows = JSON.parse(fs.readFileSync(path.join(folder, name + '.json')));
  const values = rows.flat().map((x) => (x === null ? NaN : x));
  const session = await ort.InferenceSession.create(path.join(folder, name + '.onnx'));
  const input = new ort.Tensor('float32', Float32Array.from(values),
                               [rows.length, rows[0].length]);
  const output = (await session.run({ input })).output;
  const width = output.data.length / rows.length;
  return rows.map((_, i) => Array.from(output.data.slice(i * width, (i + 1) * width)));
}

async function main() {
  const names = fs.readdirSync(folder).filter((f) => f.endsWith('.onnx'))
      .map((f) => f.slice(0, -'.onnx'.length)).sort();
  const answers = {};
  for (const name of names) answers[name] = await run(name);
  console.log(JSON.stringify(answers));
}

main().catch((error) => { console.error(`run.js: ${error}`); process.exit(1); });
