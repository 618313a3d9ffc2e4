"""gdb's numbers for kinds of types, symbols and frames; what they are doesn't matter, as long as they differ."""

from __future__ import annotations

_TYPE_CODES = (
    "BITSTRING PTR ARRAY STRUCT UNION ENUM FLAGS FUNC INT FLT VOID SET RANGE STRING ERROR METHOD METHODPTR MEMBERPTR "
    "REF RVALUE_REF CHAR BOOL COMPLEX TYPEDEF NAMESPACE DECFLOAT MODULE INTERNAL_FUNCTION XMETHOD"
)
TYPE_CODES = {f"TYPE_CODE_{name}": number for number, name in enumerate(_TYPE_CODES.split(), 1)}
PTR, ARRAY, STRUCT, UNION, ENUM = (
    TYPE_CODES[f"TYPE_CODE_{name}"] for name in ["PTR", "ARRAY", "STRUCT", "UNION", "ENUM"]
)
FUNC, INT, FLT, VOID, MEMBERPTR = (
    TYPE_CODES[f"TYPE_CODE_{name}"] for name in ["FUNC", "INT", "FLT", "VOID", "MEMBERPTR"]
)
REF, RVALUE_REF, CHAR, BOOL, TYPEDEF, COMPLEX, ERROR = (
    TYPE_CODES[f"TYPE_CODE_{name}"] for name in ["REF", "RVALUE_REF", "CHAR", "BOOL", "TYPEDEF", "COMPLEX", "ERROR"]
)
OTHERS = {"COMMAND_NONE": 0, "SYMBOL_LOC_STATIC": 2, "NORMAL_FRAME": 0, "PYTHON": 0}
