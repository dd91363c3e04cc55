#!/usr/bin/python3
"""Writes onnx.txt: small ONNX files with inputs and expected outputs, or a part of the
refusal that they must get. The outputs are computed here in float64, not by the importer.
Needs python3-onnx; run from this folder."""
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

rng = np.random.default_rng(3)
out = open("onnx.txt", "w")
relu = lambda z: np.maximum(z, 0)
sigmoid = lambda z: 1 / (1 + np.exp(-z))


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def model(nodes, consts, shape, opset=13, typed=False, elem=T.FLOAT, outputs=("y",), extra=()):
    inits = []
    for k, v in consts.items():
        if isinstance(v, onnx.TensorProto):
            inits.append(v)
        elif typed and v.dtype == np.float32:
            inits.append(h.make_tensor(k, T.FLOAT, v.shape, v.flatten().tolist()))
        else:
            inits.append(nh.from_array(v, k))
    ins = [h.make_tensor_value_info("x", elem, shape), *extra]
    g = h.make_graph(nodes, "g", ins, [h.make_tensor_value_info(o, T.FLOAT, ["N", "K"]) for o in outputs], inits)
    return h.make_model(g, opset_imports=[h.make_opsetid("", opset)], ir_version=8)


def write(name, m, x=None, y=None, refused=None):
    known = m.opset_import[0].version <= onnx.defs.onnx_opset_version()
    if refused is None and known and m.graph.input[0].type.tensor_type.HasField("shape"):
        onnx.checker.check_model(m)
    out.write(f"case {name}\nmodel {m.SerializeToString().hex()}\n")
    if refused is not None:
        out.write(f"refused {refused}\n")
        return
    x = np.asarray(x, np.float64)
    y = np.asarray(y, np.float64)
    n = x.shape[0]
    x, y = x.reshape(n, -1), y.reshape(n, -1)
    out.write(f"shape {n} {x.shape[1]} {y.shape[1]}\n")
    for v in (x, y):
        out.write(" ".join(f"{f:.9g}" for f in v.flatten()) + "\n")


N = h.make_node
X = normal(5, 4)
X6 = normal(5, 6)
W, b = normal(4, 3), normal(3)
V, c = normal(3, 2), normal(2)
X_ = X.astype(np.float64)

for typed in (False, True):
    write(f"matmul_add_relu_typed_{typed}",
          model([N("MatMul", ["x", "W"], ["a"]), N("Add", ["b", "a"], ["z"]), N("Relu", ["z"], ["y"])],
                dict(W=W, b=b), ["N", 4], typed=typed), X, relu(X_ @ W + b))
WL, bL = normal(3, 4), normal(3)
write("left_vector", model([N("MatMul", ["W", "x"], ["a"]), N("Add", ["a", "b"], ["z"]), N("Tanh", ["z"], ["y"])],
                           dict(W=WL, b=bL), [4], 10), X, np.tanh(X_ @ WL.T + bL))
write("left_columns", model([N("MatMul", ["W", "x"], ["a"]), N("Add", ["a", "b"], ["y"])],
                            dict(W=WL, b=bL.reshape(3, 1)), [4, "N"]), X, X_ @ WL.T + bL)
write("left_columns_bias_along_samples", model([N("MatMul", ["W", "x"], ["a"]), N("Add", ["a", "b"], ["y"])],
                                               dict(W=WL, b=bL), [4, 3]), refused='node "y": Add: its constant differs from sample to sample')
write("left_gemm", model([N("Gemm", ["W", "x", "b"], ["y"], transA=1)],
                         dict(W=W, b=b.reshape(3, 1)), [4, 1]), X, X_ @ W + b)
write("gemm_all", model([N("Gemm", ["x", "W", "b"], ["y"], alpha=0.5, beta=-2.0, transB=1)],
                        dict(W=WL, b=np.array(0.25, np.float32)), ["N", 4]), X, 0.5 * X_ @ WL.T - 0.5)
write("gemm_trans_a", model([N("Gemm", ["x", "W"], ["y"], transA=1)], dict(W=W), [4, "N"]), X, X_ @ W)
write("matmul_vector", model([N("MatMul", ["x", "w"], ["y"])], dict(w=W[:, 0].copy()), ["N", 4]), X, X_ @ W[:, :1])
mean, std = np.array([100, -3, 0, 7], np.float32), np.array([5, 2, 1, 0.5], np.float32)
write("normalised", model([N("Sub", ["x", "m"], ["a"]), N("Div", ["a", "s"], ["c"]), N("Gemm", ["c", "W", "b"], ["y"])],
                          dict(m=mean, s=std, W=W, b=b), ["N", 4]), X * std + mean, ((X * std + mean).astype(np.float32).astype(float) - mean) / std @ W + b)
write("scaled_then_shifted", model([N("Mul", ["x", "k"], ["a"]), N("Add", ["a", "m"], ["c"]), N("MatMul", ["c", "W"], ["y"])],
                                   dict(k=np.array([[2, 0, -1, 4]], np.float32), m=mean, W=W), ["N", 4]),
      X, (X_ * [2, 0, -1, 4] + mean) @ W)
write("affine_behind", model([N("MatMul", ["x", "W"], ["a"]), N("Mul", ["a", "k"], ["p"]), N("Sub", ["b", "p"], ["q"]),
                              N("Div", ["q", "two"], ["r"]), N("Sub", ["r", "b"], ["y"])],
                             dict(W=W, k=normal(1, 3) * 0 + 3, b=b, two=np.array([2], np.float32)), ["N", 4]),
      X, (b - X_ @ W * 3) / 2 - b)
write("affine_between_and_last", model([N("Gemm", ["x", "W", "b"], ["a"]), N("Sigmoid", ["a"], ["s"]), N("Mul", ["s", "k"], ["t"]),
                                        N("Add", ["t", "b"], ["u"]), N("Gemm", ["u", "V", "c"], ["v"]), N("Relu", ["v"], ["r"]), N("Mul", ["r", "c"], ["y"])],
                                       dict(W=W, b=b, k=np.array([2, 0, -3], np.float32), V=V, c=c), ["N", 4]),
      X, relu((sigmoid(X_ @ W + b) * [2, 0, -3] + b) @ V + c) * c)
bn = [np.abs(normal(3)) + 0.5, normal(3), normal(3), np.abs(normal(3)) + 0.1]
bnf = lambda z: (z - bn[2]) / np.sqrt(bn[3].astype(float) + 1e-3) * bn[0] + bn[1]
bnc = dict(s=bn[0], B=bn[1], m=bn[2], v=bn[3])
BN = lambda i, o, **k: N("BatchNormalization", [i, "s", "B", "m", "v"], [o], epsilon=1e-3, **k)
write("batch_norm", model([N("MatMul", ["x", "W"], ["a"]), BN("a", "n"), N("Relu", ["n"], ["r"]), BN("r", "q"), N("Gemm", ["q", "V", "c"], ["y"])],
                          dict(W=W, V=V, c=c, **bnc), ["N", 4]), X, bnf(relu(bnf(X_ @ W))) @ V + c)
XC = normal(5, 3, 2)
W6 = normal(6, 2)
xc = (XC.astype(float) - bn[2][:, None]) / np.sqrt(bn[3].astype(float) + 1e-3)[:, None] * bn[0][:, None] + bn[1][:, None]
write("batch_norm_channels", model([BN("x", "n"), N("Flatten", ["n"], ["f"]), N("MatMul", ["f", "W"], ["y"])],
                                   dict(W=W6, **bnc), ["N", 3, 2]), XC, xc.reshape(5, 6) @ W6)
write("batch_norm_training", model([BN("x", "y", training_mode=1)], bnc, ["N", 3], 14), refused="BatchNormalization: it is in training mode")
X4 = X6.reshape(5, 1, 2, 3)
for shape in ([-1, 6], [0, -1], [0, 6], [1, 6]):
    write("reshape_" + "_".join(map(str, shape)), model([N("Reshape", ["x", "s"], ["f"]), N("MatMul", ["f", "W"], ["y"])],
                                                        dict(s=np.array(shape, np.int64), W=W6), ["N", 1, 2, 3]), X6, X6.astype(float) @ W6)
write("reshape_mixes", model([N("Reshape", ["x", "s"], ["f"]), N("MatMul", ["f", "W"], ["y"])],
                             dict(s=np.array([-1, 3], np.int64), W=V[:3]), ["N", 1, 2, 3]), refused="mixes the numbers of several samples")
write("constant_per_pixel", model([N("Sub", ["x", "m"], ["a"]), N("Flatten", ["a"], ["f"]), N("MatMul", ["f", "W"], ["y"])],
                                  dict(m=np.array([[[1], [2]]], np.float32), W=W6), ["N", 1, 2, 3]),
      X6, (X6.astype(float) - [1, 1, 1, 2, 2, 2]) @ W6)
write("constants_folded", model([N("Constant", [], ["Wt"], value=nh.from_array(W.T.copy())), N("Transpose", ["Wt"], ["Wd"], perm=[1, 0]),
                                 N("Cast", ["Wd"], ["Wf"], to=T.FLOAT), N("Identity", ["Wf"], ["W"]), N("Constant", [], ["b"], value_floats=b.tolist()),
                                 N("Constant", [], ["shape"], value_ints=[1, 3]), N("Reshape", ["b", "shape"], ["b2"]),
                                 N("Constant", [], ["two"], value_float=2.0),
                                 N("MatMul", ["x", "W"], ["a"]), N("Add", ["a", "b2"], ["z"]), N("Mul", ["z", "two"], ["y"])], {}, ["N", 4]),
      X, (X_ @ W + b) * 2)
for dtype in (np.float16, np.float64, np.int8):
    Wd = (W * 8).astype(dtype)
    write("weights_" + np.dtype(dtype).name, model([N("Cast", ["W"], ["F"], to=T.FLOAT), N("MatMul", ["x", "F"], ["y"])], dict(W=Wd), ["N", 4]),
          X, X_ @ Wd.astype(np.float32))
t = onnx.TensorProto(name="W", data_type=T.FLOAT16, dims=[4, 3])
t.int32_data.extend(W.astype(np.float16).view(np.uint16).flatten().tolist())
write("weights_float16_as_varints", model([N("MatMul", ["x", "W"], ["y"])], dict(W=t), ["N", 4]), X, X_ @ W.astype(np.float16).astype(float))
write("clip", model([N("MatMul", ["x", "W"], ["a"]), N("Clip", ["a", "l", "h"], ["y"])],
                    dict(W=W, l=np.array(-0.5, np.float32), h=np.array(0.75, np.float32)), ["N", 4]), X, np.clip(X_ @ W, -0.5, 0.75))
write("clip_high", model([N("MatMul", ["x", "W"], ["a"]), N("Clip", ["a", "", "h"], ["y"])],
                         dict(W=W, h=np.array(0.75, np.float32)), ["N", 4]), X, np.minimum(X_ @ W, 0.75))
write("clip_attributes", model([N("MatMul", ["x", "W"], ["a"]), N("Clip", ["a"], ["p"], min=0.0, max=1.0), N("MatMul", ["p", "V"], ["q"]), N("Clip", ["q"], ["y"])],
                               dict(W=W, V=V), ["N", 4], 9), X, np.clip(X_ @ W, 0, 1) @ V)
XF = np.array([[-2e6, 3e-5, 1, 900], [-1e6, -7.25, 5e5, 0], [-999999, 1e-9, -3e-3, 1e3]], np.float32)
write("clip_far_low", model([N("Clip", ["x"], ["y"], min=-1e6)], {}, ["N", 4], 9), XF, np.maximum(XF.astype(float), -1e6))
write("clip_far", model([N("MatMul", ["x", "I"], ["a"]), N("Clip", ["a", "l", "h"], ["y"])],
                        dict(I=np.eye(4, dtype=np.float32), l=np.array(-0.5, np.float32), h=np.array(1000, np.float32)), ["N", 4]), XF[:, 1:].repeat([1, 1, 2], axis=1) * [[1, 1, 1, 2]],
      np.clip(XF[:, 1:].astype(float).repeat([1, 1, 2], axis=1) * [[1, 1, 1, 2]], -0.5, 1000))
write("clip_turned", model([N("MatMul", ["x", "W"], ["a"]), N("Clip", ["a", "l", "h"], ["y"])],
                           dict(W=W, l=np.array(70, np.float32), h=np.array(-30, np.float32)), ["N", 4]), X, X_ @ W * 0 - 30)
z = X_ @ W + b
for name, y, attrs in (("Elu", np.where(z > 0, z, 0.5 * np.expm1(z)), dict(alpha=0.5)), ("Softplus", np.log1p(np.exp(z)), {}),
                       ("LogSoftmax", np.log(softmax(z)), {}), ("Softmax", softmax(z), {}), ("LeakyRelu", np.where(z > 0, z, 2.5 * z), dict(alpha=2.5)),
                       ("Sigmoid", sigmoid(z), {}), ("Identity", z, {}), ("Dropout", z, {})):
    write("op_" + name, model([N("Gemm", ["x", "W", "b"], ["z"]), N(name, ["z"], ["y"], **attrs)], dict(W=W, b=b), ["N", 4]), X, y)
write("softmax_old_flattens", model([N("Softmax", ["x"], ["y"])], {}, ["N", 1, 2, 3], 9), X6, softmax(X6.astype(float)))
write("softmax_new_does_not", model([N("Softmax", ["x"], ["y"])], {}, ["N", 1, 2, 3], 13), refused="Softmax: axis -1 is not a whole sample")
write("softmax_over_the_batch", model([N("Softmax", ["x"], ["y"], axis=0)], {}, ["N", 3]), refused="axis 0 is not a whole sample")
write("softmax_inside", model([N("Softmax", ["x"], ["s"]), N("MatMul", ["s", "W"], ["y"])], dict(W=W), ["N", 4]), X, softmax(X_) @ W)
write("softmax_scaled", model([N("Gemm", ["x", "W", "b"], ["z"]), N("Softmax", ["z"], ["s"]), N("Mul", ["s", "k"], ["t"]), N("LogSoftmax", ["t"], ["y"])],
                              dict(W=W, b=b, k=np.array([3, -2, 5], np.float32)), ["N", 4]), X, np.log(softmax(softmax(z) * [3, -2, 5])))
write("width_from_the_weights", model([N("MatMul", ["x", "W"], ["y"])], dict(W=W), ["N", "D"]), X, X_ @ W)
write("no_shape", model([N("MatMul", ["x", "W"], ["y"])], dict(W=W), None), X, X_ @ W)
write("dead_nodes", model([N("Conv", ["x", "W"], ["d"]), N("MatMul", ["x", "W"], ["y"])], dict(W=W), ["N", 4]), X, X_ @ W)
write("inputs_of_ir_3", model([N("MatMul", ["x", "W"], ["y"])], dict(W=W), ["N", 4], 7,
                              extra=[h.make_tensor_value_info("W", T.FLOAT, [4, 3])]), X, X_ @ W)

# Constants of constants.
write("folded_arithmetic", model([N("Mul", ["W", "k"], ["Wk"]), N("Div", ["Wk", "col"], ["Wd"]), N("Sub", ["b", "k"], ["d"]), N("Add", ["d", "two"], ["d2"]),
                                  N("Gemm", ["x", "Wd", "d2"], ["y"])],
                                 dict(W=W, b=b, k=np.array([[2, -3, 4]], np.float32), col=np.array([[1], [2], [4], [8]], np.float32), two=np.array(2, np.float32)), ["N", 4]),
      X, X_ @ (W * [[2, -3, 4]] / [[1], [2], [4], [8]]) + b - [2, -3, 4] + 2)
write("folded_matmul", model([N("Transpose", ["V"], ["Vt"]), N("MatMul", ["W", "V"], ["A"]), N("MatMul", ["A", "Vt"], ["B"]), N("MatMul", ["x", "B"], ["y"])],
                             dict(W=W, V=V), ["N", 4]), X, X_ @ W @ V @ V.T)
# Samples as columns, scaled before the first layer says so.
for name, shape in (("symbolic", [4, "N"]), ("fixed", [4, 5])):
    write("left_normalised_" + name, model([N("Sub", ["x", "m"], ["a"]), N("Div", ["a", "s"], ["c"]), N("Gemm", ["W", "c", "b"], ["z"], transA=1), N("Relu", ["z"], ["y"])],
                                           dict(m=mean.reshape(4, 1), s=std.reshape(4, 1), W=W, b=b.reshape(3, 1)), shape), X, relu((X_ - mean) / std @ W + b))
# Each opset, in the forms that it has: Clip and Dropout changed in 11 and 12, Softmax in 13.
for opset in range(7, 22):
    bound = dict(l=np.array(-1, np.float32), h=np.array(1, np.float32)) if opset >= 11 else {}
    clip = N("Clip", ["a", *bound], ["c"]) if bound else N("Clip", ["a"], ["c"], min=-1.0, max=1.0)
    drop = N("Dropout", ["c"], ["d"], **({} if opset >= 12 else dict(ratio=0.5)))
    norm = N("BatchNormalization", ["d", "s", "B", "m", "v"], ["n"], epsilon=1e-3)
    write(f"opset_{opset}", model([N("Gemm", ["x", "W", "b"], ["a"], transB=1), clip, drop, norm, N("MatMul", ["n", "V"], ["e"]), N("Add", ["e", "cc"], ["f"]),
                                   N("Softmax", ["f"], ["y"], axis=1)],
                                  dict(W=WL, b=bL, V=V, cc=c, **bnc, **bound), ["N", 4], opset), X, softmax(bnf(np.clip(X_ @ WL.T + bL, -1, 1)) @ V + c))

R = lambda name, nodes, consts, shape, why, **k: write(name, model(nodes, consts, shape, **k), refused=why)
R("conv", [N("Conv", ["x", "W"], ["y"], name="conv1")], dict(W=normal(1, 1, 2, 2)), ["N", 1, 2, 3], 'node "conv1": Conv is not supported')
R("other_domain", [N("Relu", ["x"], ["y"], domain="com.example")], {}, ["N", 4], "com.example.Relu is not supported")
R("residual", [N("Relu", ["x"], ["r"]), N("Add", ["x", "r"], ["y"])], {}, ["N", 4], 'node "y": the network branches: "x" goes to more than one place')
R("square", [N("Mul", ["x", "x"], ["y"])], {}, ["N", 4], "two inputs that are not constant")
R("differs_by_sample", [N("Add", ["x", "c"], ["y"])], dict(c=normal(5, 4)), [5, 4], "differs from sample to sample")
R("two_values", [N("Add", ["x", "z"], ["y"])], {}, ["N", 4], 'input "z" has no value', extra=[h.make_tensor_value_info("z", T.FLOAT, ["N", 4])])
R("unknown_value", [N("Add", ["x", "z"], ["y"])], {}, ["N", 4], 'node "y": input "z" has no value')
R("no_output", [N("Relu", ["x"], ["z"])], {}, ["N", 4], 'output "y" has no value')
R("two_outputs", [N("Relu", ["x"], ["y"]), N("Relu", ["y"], ["z"])], {}, ["N", 4], "2 outputs; expected one", outputs=("y", "z"))
R("constant_output", [N("Identity", ["W"], ["y"])], dict(W=W), ["N", 4], "does not depend on the input")
R("backwards", [N("Relu", ["z"], ["y"]), N("Relu", ["x"], ["z"])], {}, ["N", 4], 'node "y": input "z" has no value')
R("twice", [N("Relu", ["x"], ["y"]), N("Tanh", ["x"], ["y"])], {}, ["N", 4], '"y" is defined twice')
R("wrong_width", [N("MatMul", ["x", "W"], ["y"])], dict(W=W), ["N", 5], "its weights are for 4 inputs, not 5")
R("cube", [N("MatMul", ["x", "W"], ["y"])], dict(W=normal(2, 4, 3)), ["N", 4], "its weights are not a matrix")
R("per_position", [N("MatMul", ["x", "W"], ["y"])], dict(W=V), ["N", 2, 3], "its value is not one row a sample")
R("integers", [N("Relu", ["x"], ["y"])], {}, ["N", 4], 'input "x" is of type 6, not of floats', elem=T.INT32)
R("cast_to_integers", [N("Cast", ["x"], ["y"], to=T.INT64)], {}, ["N", 4], "a value as type 7 is not supported")
R("through_a_value", [N("Div", ["W", "x"], ["y"])], dict(W=normal(4)), ["N", 4], "not affine")
R("wide_identity", [N("Relu", ["x"], ["y"])], {}, ["N", 5000], "a step without a dense layer before it, on 5000 units; at most 4096")
R("not_finite", [N("MatMul", ["x", "W"], ["y"])], dict(W=W / np.float32(0)), ["N", 4], "a number that is not finite")
R("dropout_in_training", [N("Dropout", ["x", "r", "t"], ["y"])], dict(r=np.array(0.5, np.float32), t=np.array(True)), ["N", 4], "training mode")
R("opset_5", [N("Relu", ["x"], ["y"])], {}, ["N", 4], "opset 5; supported are 6 to 25", opset=5)
R("opset_99", [N("Relu", ["x"], ["y"])], {}, ["N", 4], "opset 99", opset=99)
R("folded_shapes", [N("Add", ["W", "V"], ["c"]), N("MatMul", ["x", "c"], ["y"])], dict(W=W, V=V), ["N", 4], 'node "c": Add: its constants do not broadcast')
R("folded_integers", [N("Mul", ["i", "i"], ["c"]), N("MatMul", ["x", "c"], ["y"])], dict(i=np.ones((4, 3), np.int64)), ["N", 4], "expected two constants of floats")
R("folded_product", [N("MatMul", ["W", "W"], ["c"]), N("MatMul", ["x", "c"], ["y"])], dict(W=W), ["N", 4], "its constants are not two matrices")
ext = nh.from_array(W, "W")
ext.data_location = T.EXTERNAL
R("external", [N("MatMul", ["x", "W"], ["y"])], dict(W=ext), ["N", 4], 'tensor "W": its data are in another file')
short = nh.from_array(W, "W")
short.raw_data = short.raw_data[:-1]
R("short_data", [N("MatMul", ["x", "W"], ["y"])], dict(W=short), ["N", 4], "its shape has 12 numbers, its data 47 bytes of 4 each")
words = h.make_tensor("W", T.STRING, [1], [b"a"])
R("words", [N("MatMul", ["x", "W"], ["y"])], dict(W=words), ["N", 4], "its type 8 is not one of numbers")
huge = onnx.TensorProto(name="W", data_type=T.FLOAT, dims=[1 << 40, 1 << 40])
R("huge_shape", [N("MatMul", ["x", "W"], ["y"])], dict(W=huge), ["N", 4], "its shape is too large")
negative = onnx.TensorProto(name="W", data_type=T.FLOAT, dims=[-4, 3])
R("negative_shape", [N("MatMul", ["x", "W"], ["y"])], dict(W=negative), ["N", 4], "a negative dimension")
