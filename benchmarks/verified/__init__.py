"""What `sixfold verify` found for this computer's TVM and the Linux boards on several networks, side by side."""
