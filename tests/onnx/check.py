#!/usr/bin/python3
"""Holds ONNX files against onnx's own checker, and makes rows of cells into their inputs.

    check.py FOLDER

For each FOLDER/NAME.onnx, FOLDER/NAME.rows is a JSON array of rows, each an array of
numbers or an object of a table's cells, which goes into numbers as the file's metadata
says. They land in FOLDER/NAME.json for run.js. Prints a JSON object: the metadata by NAME.
Exits with 1 and a line at the first file that is not as it should be. Needs python3-onnx."""
import json
import pathlib
import sys

import onnx


def require(ok, path, message):
    if not ok:
        sys.exit(f"check.py: {path.name}: {message}")


def read(path):
    model = onnx.load(path)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker's, the inference's or protobuf's
        require(False, path, error)
    return model


def shape(values):
    require(len(values) == 1, pathlib.Path("graph"), "not one input and one output")
    return [d.dim_param or d.dim_value for d in values[0].type.tensor_type.shape.dim]


def property_read(text):
    return json.loads(text) if text[:1] in ("[", "{") else text


def cells_encode(cells, columns):
    """A number stays, a missing one is null; a category is a place for each value, and one
    for a missing cell where there were any in training."""
    inputs = []
    for column in columns:
        cell = cells[column["name"]]
        if column["type"] == "category":
            inputs += [float(cell == known) for known in column["categories"]]
            if column["missing"] == "category":
                inputs.append(float(cell is None))
        else:
            inputs.append(cell if cell is None else float(cell))
    return inputs


def main():
    said = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        model = read(path)
        metadata = {p.key: property_read(p.value) for p in model.metadata_props}
        rows = json.loads(path.with_suffix(".rows").read_text())
        rows = [cells_encode(row, metadata["columns"]) if isinstance(row, dict) else row
                for row in rows]
        require(shape(model.graph.input) == ["N", len(rows[0])], path,
                f"takes {shape(model.graph.input)}, not {len(rows[0])} columns")
        path.with_suffix(".json").write_text(json.dumps(rows))
        said[path.stem] = metadata | {"outputs": shape(model.graph.output)[1]}
    print(json.dumps(said))


main()
